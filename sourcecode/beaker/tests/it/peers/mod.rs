//! What the test suites of others check of sessions and caches, and what this library does in each case.
//!
//! The suites are `test/session.js` of express-session, `tests/sessions_tests` of Django, `tests/Session` of
//! Laravel, the tests of `src/sync/cache.rs` of moka, and `activesupport/test/cache` of Rails. The cases
//! are told here in our own words. Those about a language, a framework or another kind of program
//! are left out. "Same" is what the other one does; where ours does something else, the row says what.
//!
//! | case | source | ours |
//! |---|---|---|
//! | `express::each_new_visitor_gets_a_session_and_one_cookie_for_it` | express-session: creates sessions, loads by cookie, saves before the end | same |
//! | `express::a_visitor_who_was_not_saved_is_not_stored` | express-session: `saveUninitialized` | as with false |
//! | `express::a_session_that_did_not_change_is_not_written` | express-session: `resave`, `rolling` | as with false; only the access is noted, unless that is off |
//! | `express::however_often_it_is_saved_it_is_written_once` | express-session: `save()` prevents the save at the end | same |
//! | `express::no_name_of_a_value_is_reserved` | express-session: reserved properties | same |
//! | `express::an_id_that_the_store_does_not_know_is_not_taken_over` | express-session: sid not in store | same |
//! | `express::a_cookie_that_is_not_ours_is_not_looked_up` | express-session: sid not properly signed | same |
//! | `express::an_expired_session_is_replaced_and_removed` | express-session: expired in store | same |
//! | `express::a_store_that_fails_is_an_error_and_works_again_when_it_is_back` | express-session: fetch and destroy errors, `disconnect` | an error; theirs goes on without a session after `disconnect`, ours if the application asks for it |
//! | `express::an_error_of_a_save_reaches_the_program` | express-session: save error | same |
//! | `express::destroying_removes_the_session_and_its_cookie` | express-session: `destroy`, `unset` | the cookie is removed too |
//! | `express::regenerating_begins_an_empty_session_under_a_new_id` | express-session: `regenerate` | `invalidate` |
//! | `express::cookies_of_the_application_stay` | express-session: `Set-Cookie` set by others | same |
//! | `express::the_cookie_is_for_the_browsers_session_unless_it_is_given_a_time` | express-session: `cookie`, `name` | same, under Beaker's name |
//! | `express::without_a_key_nothing_starts` | express-session: no secret, empty array | an error at the start, not with each request |
//! | `express::the_first_key_signs_and_all_of_them_verify` | express-session: array of secrets | and an old signature is renewed |
//! | `session_ends::a_cookie_that_runs_out_slides_with_the_visits` | express-session: `rolling` with `maxAge` | sent again after a tenth of its time |
//! | `proxied::the_cookie_goes_by_what_a_trusted_proxy_says` | express-session: `secure: 'auto'`, `trust proxy` | behind a real nginx |
//! | `proxied::nobody_else_is_believed` | express-session: `X-Forwarded-Proto` without `trust proxy` | same |
//! | `proxied::what_needs_secure_is_left_out_over_plain_http` | express-session: `secure: true` over plain HTTP sends no cookie | the cookie, without `Partitioned` and the like |
//! | `session_reload::what_others_saved_is_there_and_own_changes_stay` | express-session: `reload` | own changes stay |
//! | `session_reload::ids_are_made_as_the_program_says` | express-session: `genid` | `id_generator` |
//! | `records::in_any_store` | express-session: a record without its cookie | a new session, counted, and no error |
//! | `served::an_answer_is_what_the_application_gave` | express-session: an empty answer, chunks, `end` called twice | one answer, which is a value |
//! | `django::a_new_session_is_empty_and_not_modified` | Django: new session, `get` | same |
//! | `django::what_is_taken_out_is_given_back_and_modifies` | Django: `pop` | same |
//! | `django::a_default_is_set_once` | Django: `setdefault` | `update` |
//! | `django::looking_does_not_modify` | Django: `has_key`, `keys`, `values`, `items` | same |
//! | `django::clearing_empties_the_session_and_keeps_its_id` | Django: `clear`, an empty session is saved | same |
//! | `django::a_saved_session_exists_until_it_is_deleted` | Django: `save`, `exists`, `delete` | same |
//! | `django::flushing_leaves_nothing_under_the_old_key` | Django: `flush` | `invalidate` |
//! | `django::cycling_the_key_keeps_the_data` | Django: `cycle_key` | `regenerate_id` |
//! | `django::a_key_is_never_a_path` | Django: invalid keys, slashes and backslashes | same |
//! | `django::a_key_that_nobody_has_makes_no_record` | Django: loading an unknown key | same |
//! | `django::a_folder_that_cannot_be_written_is_an_error` | Django: file storage is checked | same |
//! | `django::a_save_does_not_resurrect_a_session_that_was_logged_out` | Django: saved in another context | same |
//! | `django::an_expired_session_is_empty_and_cleared_away` | Django: expiry, `clearsessions` | a sweep |
//! | `django::what_cannot_be_decoded_is_no_session_and_is_counted` | Django: decoding fails | same, and a number says so |
//! | `django::a_cookie_of_the_whole_session_that_was_changed_is_not_read` | Django: signed cookies | same |
//! | `middleware::a_failed_request_saves_nothing` | Django: status 500 | same |
//! | `middleware::logging_out_and_deleting_remove_the_cookie` | Django: the cookie ends with the session | same |
//! | `sessions::delete_removes_the_record_and_wins_over_a_late_save` | Django: deleted before the request ends | same |
//! | `session_life::a_remembered_visitor_outlives_the_timeout_and_not_their_own` | Django: `set_expiry` with seconds | `set_life` |
//! | `session_life::a_date_takes_the_place_of_both` | Django: `set_expiry` with a date | same |
//! | `session_life::the_cookie_follows` | Django: `get_expire_at_browser_close` | same |
//! | `csrf::a_page_of_another_site_is_not` | Django: the CSRF middleware refuses forms of others | same |
//! | `session_csrf::each_is_another_one` | Django: the token is masked each time | same |
//! | `session_csrf::a_new_id_makes_them_worthless` | Django: `rotate_token` at log-in | same |
//! | `laravel::a_session_is_loaded_and_goes_on` | Laravel: loaded from its handler | same |
//! | `laravel::an_invalid_id_is_none` | Laravel: `setId`, `isValidId` | same |
//! | `laravel::a_session_that_moved_is_not_left_under_its_old_id` | Laravel: `migrate`, `regenerate` | theirs keeps the old record unless told |
//! | `laravel::an_invalidated_session_has_lost_everything` | Laravel: `invalidate` | same |
//! | `laravel::several_keys_are_read_replaced_and_left_out` | Laravel: `only`, `except`, `replace`, `all` | by `values` and `set` |
//! | `laravel::a_key_may_hold_nothing_and_is_there` | Laravel: `exists`, `has`, `missing` | one question, as `exists` |
//! | `laravel::pulling_gives_the_value_and_forgets_it` | Laravel: `pull`, `forget` | `remove` |
//! | `session_flashes::each_is_shown_once_and_in_order` | Laravel: `flash` | shown by whoever takes it, not by the next request |
//! | `session_flashes::a_message_that_comes_while_others_are_shown_stays` | Laravel: `now`, `ageFlashData` | same |
//! | `session_flashes::what_is_taken_and_not_saved_is_shown_again` | Laravel: `reflash`, `keep` | no call for it: a message stays until it was taken and saved |
//! | `session_values::errors_name_the_session_the_key_and_the_type` | Laravel: typed getters | an error, and no default |
//! | `laravel::counters_count_from_nothing_and_lose_no_request` | Laravel: `increment`, `decrement` | `update`, and parallel requests lose nothing |
//! | `laravel::a_value_is_computed_if_there_is_none` | Laravel: `remember` | `update` |
//! | `laravel::a_session_is_read_until_its_time_is_over` | Laravel: array and file handlers | same |
//! | `laravel::a_store_of_nothing_takes_sessions_and_gives_none` | Laravel: null handler | same |
//! | `laravel::what_another_key_encrypted_is_no_session` | Laravel: encrypted store | same |
//! | `moka::with_no_capacity_nothing_is_kept` | moka: capacity 0 | same |
//! | `moka::values_are_put_read_and_removed` | moka: basic use | same |
//! | `moka::there_are_never_more_than_the_capacity` | moka: eviction | at once; theirs catches up later |
//! | `moka::what_is_used_often_stays_when_much_passes_by` | moka: admission by use | same |
//! | `moka::threads_may_put_and_remove_at_once` | moka: many threads | same |
//! | `moka::what_is_put_after_all_was_invalidated_stays` | moka: `invalidate_all` | same |
//! | `moka::time_to_live_counts_from_the_last_write` | moka: time to live | same |
//! | `moka::a_value_may_have_a_life_of_its_own` | moka: `Expiry` | the loader says it |
//! | `moka::a_missing_value_is_made_once` | moka: `get_with` | same |
//! | `moka::a_failure_is_given_to_all_who_wait_and_then_tried_again` | moka: `try_get_with` | tried again after `error_ttl` |
//! | `moka::a_loader_may_have_nothing_to_keep` | moka: `optionally_get_with` | `not_kept` |
//! | `moka::after_a_panic_the_next_loader_runs` | moka: panics of loaders | after `error_ttl` |
//! | `moka::a_key_may_be_given_in_any_of_its_forms` | moka: borrowed keys | same |
//! | `moka::what_leaves_the_cache_is_dropped_at_once` | moka: values are dropped when they leave | same |
//! | `moka::a_value_that_is_removed_while_it_is_made_does_not_come_back` | moka: races of reads and writes | same |
//! | `moka::a_loader_that_asks_for_its_own_key_is_an_error` | moka: documented as a deadlock | an error |
//! | `cache_memory::each_way_to_go_has_its_cause` | moka: eviction listener, `RemovalCause` | same |
//! | `cache_memory::a_listener_may_use_the_cache_and_may_panic` | moka: a listener that panics is called no more | it is called again |
//! | `cache_memory::weight_is_what_is_limited` | moka: weigher | same |
//! | `cache_memory::what_nobody_looks_at_goes` | moka: time to idle | same |
//! | `cache_memory::keys_are_those_of_fresh_values` | moka: `iter` | keys, without those that have expired |
//! | `cache_memory::values_go_by_a_predicate` | moka: `invalidate_entries_if` | at once, for what is there |
//! | `cache_compute::a_step_keeps_puts_or_removes` | moka: `and_compute_with`, `and_upsert_with` | same |
//! | `cache_compute::no_step_is_lost` | moka: computations of a key do not overlap | same, between processes too |
//! | `cache_compute::one_of_many_takes_a_value` | moka: `remove` returns the value | `take` |
//! | `cache_compute::a_value_is_replaced_once` | moka: `or_insert_with_if` | same |
//! | `moka::debug_shows_no_values` | moka: `Debug` shows the entries | it shows none |
//! | `rails::what_was_written_is_read_and_may_be_overwritten` | Rails: `read`, `write` | same |
//! | `rails::a_hit_does_not_call_the_loader` | Rails: `fetch` | same |
//! | `rails::a_new_value_is_forced_by_putting_it` | Rails: `force` | no such flag |
//! | `rails::nothing_and_false_are_values` | Rails: nil and false | same |
//! | `rails::what_the_loader_does_not_want_kept_is_not` | Rails: `skip_nil` | `not_kept` |
//! | `rails::values_of_many_kinds_come_back` | Rails: hashes, numbers, nil, false | same |
//! | `rails::many_are_read_at_once_but_those_that_have_expired` | Rails: `read_multi` | same |
//! | `rails::of_many_only_what_is_missing_is_made_and_the_order_stays` | Rails: `fetch_multi` | same |
//! | `rails::keys_differ_by_case_and_may_have_any_characters` | Rails: case, odd characters, encodings | same, and any bytes |
//! | `rails::very_long_keys_differ_to_the_last_byte` | Rails: long keys | same |
//! | `rails::a_removal_says_whether_there_was_anything` | Rails: `exist?`, `delete` | same |
//! | `rails::each_value_expires_at_its_own_time` | Rails: `expires_in` | same |
//! | `rails::while_one_makes_a_new_value_the_others_get_the_old_one` | Rails: `race_condition_ttl` | `stale_for` |
//! | `rails::an_old_value_is_given_for_its_time_and_not_longer` | Rails: it is limited | same |
//! | `rails::a_loader_that_fails_does_not_take_the_old_value_away` | Rails: it is safe | the caller gets the old value too |
//! | `rails::what_a_program_does_with_its_value_is_its_own_affair` | Rails: values are copies | same |
//! | `rails::caches_of_other_names_are_not_touched` | Rails: namespaces, `clear` | same |
//! | `rails::a_store_that_is_down_is_an_error_or_a_miss_as_the_program_says` | Rails: failures are misses | an error unless the program asks |
//! | `rails::a_store_of_nothing_keeps_nothing` | Rails: null store | same |
//! | `increments::adds_in_a_process_of_its_own` | Rails: `increment` | atomic in every store, and it does not go down |
//! | `rails::hits_and_misses_are_counted` | Rails: instrumentation | numbers, and events |
//! | `rails::a_local_copy_is_read_for_its_time_and_follows_own_writes` | Rails: local cache | for a time, not for a request |
//! | `rails::what_is_long_and_can_be_packed_is_packed` | Rails: compression | same |

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use beaker::{Session, Sessions};

mod django;
#[cfg(feature = "middleware")]
mod express;
mod laravel;
mod moka;
mod rails;

/// The rows of the table above, as (case, source, ours).
fn rows() -> Vec<[&'static str; 3]> {
    let cells = |line: &'static str| {
        let cells: Vec<&str> = line.strip_prefix("//! | `")?.split(" | ").collect();
        let [case, source, ours] = cells[..] else { panic!("not three cells: {line}") };
        Some([case.strip_suffix('`')?, source, ours.strip_suffix(" |")?])
    };
    include_str!("mod.rs").lines().filter_map(cells).collect()
}

/// The tests in a file, or a folder of them.
fn tests_of(path: &Path, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            tests_of(&entry.unwrap().path(), found);
        }
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let (own, parent) = (path.file_stem().unwrap(), path.parent().unwrap().file_stem().unwrap());
    let module = if own == "mod" { parent } else { own }.to_str().unwrap();
    let after = text.split("#[test]\n").skip(1);
    let names = after.filter_map(|rest| rest.split_once("fn ")?.1.split_once('('));
    found.extend(names.map(|(name, _)| format!("{module}::{name}")));
}

#[test]
fn the_table_has_each_case_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let (mut all, mut own) = (BTreeSet::new(), BTreeSet::new());
    tests_of(&root, &mut all);
    for entry in fs::read_dir(root.join("peers")).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("mod.rs") {
            tests_of(&path, &mut own);
        }
    }
    let listed: BTreeSet<&str> = rows().iter().map(|[case, ..]| *case).collect();
    assert_eq!(listed.len(), rows().len(), "a case is listed twice");
    for case in &listed {
        assert!(all.contains(*case), "{case} is in the table, and there is no such test");
    }
    for case in &own {
        assert!(listed.contains(case.as_str()), "{case} is missing in the table");
    }
    assert!(own.len() > 60, "{}", own.len());
}
