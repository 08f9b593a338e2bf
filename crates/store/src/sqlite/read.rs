//! What [`Reader`](super::Reader) reads, by what it is about.

mod opening;
mod operator;
mod people;
mod receipts;
mod rooms;
mod timeline;

/// Ids as a JSON array, which is how a statement takes many at once.
fn json<T>(ids: impl IntoIterator<Item = T>, number: impl Fn(T) -> i64) -> String {
    let mut text = String::from("[");
    for id in ids {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&number(id).to_string());
    }
    text.push(']');
    text
}
