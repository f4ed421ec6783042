//! What every store has to do: one suite, run on each. The fleet is real but for its door: machines check in through the
//! desk, with inventories that the program itself made of the golden hosts.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "reads the fixtures; a test fails by panicking"
)]
#![expect(unreachable_pub, reason = "shared by the files of the suite")]
#![expect(
    clippy::cognitive_complexity,
    clippy::excessive_nesting,
    reason = "a case tells its story from above to below"
)]

#[path = "support/postgres.rs"]
mod postgres_server;
mod support;

#[path = "stores/access.rs"]
mod access;
#[path = "stores/anew.rs"]
mod anew;
#[path = "stores/counts.rs"]
mod counts;
#[path = "stores/events.rs"]
mod events;
#[path = "stores/findings.rs"]
mod findings;
#[path = "stores/golden.rs"]
mod golden;
#[path = "stores/judgement.rs"]
mod judgement;
#[path = "stores/keeping.rs"]
mod keeping;
#[path = "stores/law.rs"]
mod law;
#[path = "stores/lineage.rs"]
mod lineage;
#[path = "stores/machine.rs"]
mod machine;
#[path = "stores/people.rs"]
mod people;
#[path = "stores/questions.rs"]
mod questions;

/// Runs every case on every store.
macro_rules! contract {
    ($($rooms:tt)+) => {
        on_store!(sqlite $($rooms)+);
        on_store!(postgres $($rooms)+);
        on_store!(pooled $($rooms)+);
    };
}

macro_rules! on_store {
    ($store:ident $($room:ident: $($case:ident),+;)+) => {
        mod $store {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(fleet) = crate::machine::Fleet::$store().await {
                        crate::$room::$case(fleet).await;
                    }
                })+
            })+
        }
    };
}

contract! {
    access: secrets_and_tokens, enrolment;
    keeping: three_turns_then_one, a_delta_tells_what_is_new, repeated_is_kept_once, history_changes_nothing_else,
        what_is_not_so_is_refused, four_kilobytes_a_host, many_at_once_are_all_kept, it_is_there_after_a_restart,
        a_copy_is_whole, what_is_old_is_forgotten, an_erased_host_is_gone, what_it_alone_had_goes_with_it,
        new_things_of_many_at_once, letters_that_a_database_refuses, a_mark_stays;
    lineage: copies_are_told_apart, a_disk_that_was_put_back_settles, a_copy_elsewhere_is_split, a_lost_answer_is_no_fork,
        a_collector_that_was_put_back_goes_on, a_split_stays_split, a_copy_of_long_ago_is_unsettled;
    findings: a_source_that_fails_once_closes_nothing, gone_is_closed_when_it_was_seen_to_be_gone,
        a_part_tells_what_is_in_it, an_earlier_scan_closes_nothing, two_weak_signs_on_one_host, other_rules_need_a_scan, other_policies_need_a_scan;
    events: what_changes_is_noted_once, what_waits_is_taken_by_one, n_of_m;
    law: rules_that_come_after_a_scan, what_led_a_scan_is_told_once, judging_anew_is_shared_and_resumed,
        what_comes_while_hosts_are_judged_anew, a_day_on_which_nobody_was_there, tags_policies_and_exceptions,
        rules_are_signed_and_not_older, a_dry_run_changes_nothing;
    anew: a_waiver_ends_over_what_is_not_seen, another_program_judges_anew, who_stands_otherwise_is_not_settled;
    judgement: the_collector_judges_as_the_endpoint, hosts_that_were_looked_at_alike_are_judged_as_each_alone;
    questions: pages_hold_every_row_once, who_has_what, what_was_not_seen, what_is_seen_again, figures_of_the_whole,
        an_old_report_is_no_look;
    counts: counts_are_those_of_the_rows, an_older_file_is_counted;
    people: who_may_come_in, sessions_end, days_are_kept, findings_are_counted, reports_of_a_host,
        two_reports_are_compared;
}
