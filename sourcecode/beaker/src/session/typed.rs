//! Values of the program's own types, by way of serde: each call says of which type it is, and errors name the
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
    /// Returns the value of a key as a type of the program's own; `None` if there is no such key.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Codec`, with the session, the key and the type, if the value is not of this type.
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

    /// Sets a key to a value of any type that serde can write: a structure becomes a map, a vector a list, as with
    /// [`Value::of`].
    ///
    /// # Errors
    ///
    /// `ErrorKind::Codec`, with the session, the key and the type, for what no [`Value`] can hold: a map whose keys
    /// are no texts, or a whole number of more than 63 bits. The key keeps its value.
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

    /// Changes the value of a key in place, and returns what has come of it. A key that is missing is
    /// `T::default()` before.
    ///
    /// When it is saved, the function is applied to what is stored by then, as with
    /// [`update`](SessionState::update): so it may run more than once, and two requests that each put an article
    /// into the basket leave both there.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Codec`, with the session, the key and the type, if the value is not of this type, or has become one
    /// that no [`Value`] can hold. The key keeps its value. If somebody else has stored a value of another type
    /// meanwhile, it is [`save`](crate::Session::save) that fails so.
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
