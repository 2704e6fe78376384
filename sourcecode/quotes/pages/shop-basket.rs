#[derive(serde_derive::Deserialize)]
struct Line {
    «#[serde(default)]»
    count: u32,
}
