CREATE TABLE IF NOT EXISTS articles (
    id BIGINT PRIMARY KEY, name TEXT NOT NULL, cents BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY, password TEXT NOT NULL, role TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS baskets (
    account TEXT NOT NULL, article BIGINT NOT NULL, count BIGINT NOT NULL,
    PRIMARY KEY (account, article));
INSERT INTO articles (id, name, cents) VALUES
    (1, 'Green tea', 490), (2, 'Black tea', 450), (3, 'Teapot', 2900)
    ON CONFLICT (id) DO NOTHING;
