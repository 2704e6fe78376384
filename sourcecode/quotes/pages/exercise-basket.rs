fn handle(sent: &str) {
    let handle = «sent.parse::<DeviceHandle>()»;
}
