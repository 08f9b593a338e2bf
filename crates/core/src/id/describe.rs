//! How ids look in the generated documents: opaque strings, and whole numbers.

use utoipa::PartialSchema;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

use super::{Epoch, Id, Key, Seq};

fn string() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).build().into()
}

macro_rules! describe {
    ($([$($generics:tt)*] $type:ty, $typescript:literal, $schema:expr;)+) => {$(
        impl<$($generics)*> PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                $schema
            }
        }

        impl<$($generics)*> utoipa::ToSchema for $type {}

        impl<$($generics)*> ts_rs::TS for $type {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &ts_rs::Config) -> String {
                $typescript.to_owned()
            }

            fn inline(_: &ts_rs::Config) -> String {
                $typescript.to_owned()
            }
        }
    )+};
}

describe! {
    [T: 'static] Id<T>, "string", string();
    [] Key, "string", string();
    [] Epoch, "string", string();
    [] Seq, "number", u64::schema();
}
