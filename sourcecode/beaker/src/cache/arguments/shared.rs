//! What stands for another part: a pointer gives the bytes of what it points to.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use super::{ArgumentKey, KeyPart};

macro_rules! pointers {
    ($($pointer:ty)*) => {$(
        impl<P: KeyPart + ?Sized> KeyPart for $pointer {
            #[inline]
            fn append(&self, key: &mut ArgumentKey) {
                (**self).append(key);
            }
        }
    )*};
}

pointers! { &P Box<P> Rc<P> Arc<P> }

impl<P: KeyPart + ToOwned + ?Sized> KeyPart for Cow<'_, P> {
    fn append(&self, key: &mut ArgumentKey) {
        (**self).append(key);
    }
}
