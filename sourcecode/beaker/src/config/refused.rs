//! Beaker's options that have no place here, and why.

/// Why there is no such option, or what to use instead. What is not in this list is unknown.
pub(super) fn refused(option: &str) -> Option<&'static str> {
    Some(match option.split('.').next().unwrap_or(option) {
        "encrypt_nonce_bits" => "the cipher's nonces have 96 bits; leave it out",
        "invalidate_corrupt" => {
            "damaged data always opens a new session, and `session.origin()` says why; leave it out"
        }
        "use_cookies" => {
            "a program that wants no cookies opens sessions by id, with `Sessions::open`; leave it out"
        }
        "id" => "which session is opened belongs into the program: `Sessions::open`; leave it out",
        "namespace" => "set it in the program, with `Sessions::namespace`; leave it out",
        "namespace_class" => "a back end of your own goes into `Sessions::new`, in the program",
        "session_class" => "there is one type of session; leave it out",
        "webtest_varname" => "it is for a test library of Python; leave it out",
        "log_file" => "Beaker takes it and logs nothing, and neither do we; leave it out",
        "environ_key" => "a middleware hands the session over as a value, not under a name",
        "memcache_module" | "memcached_module" => "there is one client for memcached; leave it out",
        "digest_filenames" => "long names are always hashed; leave it out",
        "file_dir" | "dbm_dir" => "use `data_dir`",
        "dbmmodule" => "there is one embedded database, redb; leave it out",
        "sa" | "sa_opts" | "bind" | "engine" => {
            "SQLAlchemy is Python's; name the database in `url`"
        }
        "table" => "use `table_name`",
        "schema_name" => "put the schema into the `url` (`options=-csearch_path=…`) of PostgreSQL",
        "username" | "password" => "put them into the `url`: `redis://user:password@host`",
        "db" => "put it into the `url`: `redis://host/0`",
        "starttime" => "it belongs to a call in the program; leave it out",
        "expiretime" => "use `expire`",
        _ => return None,
    })
}
