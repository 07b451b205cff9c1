//! A part of the sums that few cells have.

use std::ops::{AddAssign, Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a part is while nothing was counted.
pub trait Nothing: PartialEq + 'static {
    /// Nothing.
    const NOTHING: &'static Self;
}

/// A part that takes the room of a pointer while it is nothing: a load holds ten thousands of cells at once.
#[derive(Clone, Debug)]
pub struct Rare<T>(Option<Box<T>>);

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Nothing> Rare<T> {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        **self == *T::NOTHING
    }
}

impl<T: Nothing> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::NOTHING)
    }
}

impl<T: Nothing + Default> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Nothing> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Nothing + Eq> Eq for Rare<T> {}

impl<T: Nothing + Default + for<'a> AddAssign<&'a T>> AddAssign<&Self> for Rare<T> {
    fn add_assign(&mut self, other: &Self) {
        if let Some(other) = &other.0 {
            **self += &**other;
        }
    }
}

impl<T: Nothing + Default> From<T> for Rare<T> {
    fn from(part: T) -> Self {
        Self((part != *T::NOTHING).then(|| Box::new(part)))
    }
}

impl<T: Nothing + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Nothing + Default + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}
