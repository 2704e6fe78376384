//! Parameters, as PostgreSQL takes them.

use std::error::Error;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::Value;

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        to: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Text(text) => text.to_sql(to, out),
            Value::Number(number) => number.to_sql(to, out),
            Value::Moment(moment) => moment.to_sql(to, out),
            Value::Bytes(bytes) => bytes.to_sql(to, out),
        }
    }

    fn accepts(to: &Type) -> bool {
        [Type::TEXT, Type::INT8, Type::BYTEA].contains(to)
    }

    to_sql_checked!();
}
