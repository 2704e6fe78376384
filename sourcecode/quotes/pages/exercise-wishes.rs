«exercises/20_wish_list»

fn quoted(messages: Vec<String>, wishes: Vec<String>, token: &str) {
    «html(messages, wishes, token)»;
}
