//! Values of the program's own types, converted by serde. Each call names the type, and errors name the
//! session, the key and the type.

use std::any::type_name;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::SessionState;
use super::id::SessionId;
use crate::error::{Error, Result};
use crate::value::Value;

/// Values of the program's own types.
impl SessionState {
    /// Returns the value of a key, converted to a type of the program's own; `None` if there is no such key.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Codec`, naming the session, the key and the type, if the value cannot be converted to this
    /// type.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("visits", 3);
    /// assert_eq!(session.get_as::<u32>("visits")?, Some(3));
    /// assert_eq!(session.get_as::<u32>("cart")?, None);
    /// let error = session.get_as::<bool>("visits").unwrap_err();
    /// assert!(error.to_string().ends_with("has a `visits` that is not a `bool`"));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "get_typed")]
    pub fn get_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        match self.get(key) {
            Some(value) => read(value, key, &self.id).map(Some),
            None => self.refuse_if_unreadable(key).map(|()| None),
        }
    }

    /// Sets the value of a key from any type that implements `Serialize`: a structure becomes a map, a vector
    /// becomes a list, as with [`Value::of`].
    ///
    /// # Errors
    ///
    /// `ErrorKind::Codec`, naming the session, the key and the type, for data that no [`Value`] can hold: a
    /// map whose keys are not strings, or an integer of more than 63 bits. The key then keeps its value.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set_as("sizes", &(38, "wide"))?;
    /// assert_eq!(session.get_as("sizes")?, Some((38, "wide".to_owned())));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_as<T: Serialize + ?Sized>(
        &mut self,
        key: impl Into<String>,
        data: &T,
    ) -> Result<()> {
        let key = key.into();
        let value = write(data, &key, &self.id)?;
        self.set(key, value);
        Ok(())
    }

    /// Changes the value of a key in place and returns the new value. For a missing key, the function gets
    /// `T::default()`.
    ///
    /// At the save, the function is applied again to what is stored at that moment, as with
    /// [`update`](SessionState::update). It may therefore run more than once, and two requests that each add
    /// an article to the basket both keep theirs.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Codec`, naming the session, the key and the type, if the value cannot be converted to this
    /// type, or its new value cannot be held by a [`Value`]. The key then keeps its value. If another request
    /// has stored a value of another type meanwhile, [`save`](crate::Session::save) fails with this error.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// # session.save()?;
    /// # let id = *session.id();
    /// let (mut one, mut other) = (sessions.open(&id)?, sessions.open(&id)?);
    /// one.update_as("basket", |basket: &mut Vec<String>| basket.push("tea".into()))?;
    /// other.update_as("basket", |basket: &mut Vec<String>| basket.push("milk".into()))?;
    /// one.save()?;
    /// other.save()?;
    /// let basket: Option<Vec<String>> = sessions.open(&id)?.get_as("basket")?;
    /// assert_eq!(basket.unwrap_or_default(), ["tea", "milk"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_as<T, F>(&mut self, key: impl Into<String>, update: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Default + 'static,
        F: Fn(&mut T) + Send + Sync + 'static,
    {
        let (key, id) = (key.into(), self.id);
        self.refuse_if_unreadable(&key)?;
        let updated = {
            let key = key.clone();
            move |old: Option<&Value>| -> Result<(T, Value)> {
                let mut data = match old {
                    Some(value) => read(value, &key, &id)?,
                    None => T::default(),
                };
                update(&mut data);
                let value = write(&data, &key, &id)?;
                Ok((data, value))
            }
        };
        let (data, value) = updated(self.get(&key))?;
        let redo = Arc::new(move |old: Option<&Value>| updated(old).map(|(_, value)| Some(value)));
        self.changes.update(&mut self.data.values, key, Some(value), redo);
        Ok(data)
    }
}

fn read<T: DeserializeOwned>(value: &Value, key: &str, id: &SessionId) -> Result<T> {
    value.to().map_err(|error| {
        let (id, of) = (id.short(), type_name::<T>());
        Error::codec(format!("the session `{id}` has a `{key}` that is not a `{of}`"))
            .caused_by(error)
    })
}

fn write<T: Serialize + ?Sized>(data: &T, key: &str, id: &SessionId) -> Result<Value> {
    Value::of(data).map_err(|error| {
        let (id, of) = (id.short(), type_name::<T>());
        let what = format!("the session `{id}` can hold no such `{of}` under the key `{key}`");
        Error::codec(what).caused_by(error)
    })
}
