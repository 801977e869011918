//! System calls that fail or kill, from a moment on.

use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

/// What this process does from now on at these calls.
pub(crate) fn restrict(rules: Vec<(libc::c_long, Vec<SeccompRule>)>, action: SeccompAction) {
    let arch = std::env::consts::ARCH.try_into().expect("a machine that seccomp knows");
    let filter = SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, action, arch);
    let program: seccompiler::BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    seccompiler::apply_filter_all_threads(&program).expect("a process may restrict itself");
}

/// Lets this call fail from now on.
pub(crate) fn refuse(call: libc::c_long, errno: i32) {
    restrict(vec![(call, Vec::new())], SeccompAction::Errno(errno as u32));
}

/// Lets this call fail from now on where one of its arguments is that number.
pub(crate) fn refuse_where(call: libc::c_long, argument: u8, value: u64, errno: i32) {
    restrict(vec![(call, vec![rule(argument, value)])], SeccompAction::Errno(errno as u32));
}

/// Ends the process at this call from now on.
pub(crate) fn forbid(call: libc::c_long) {
    restrict(vec![(call, Vec::new())], SeccompAction::KillProcess);
}

/// Where the argument is that number.
pub(crate) fn rule(argument: u8, value: u64) -> SeccompRule {
    rule_of(&[(argument, SeccompCmpOp::Eq, value)])
}

/// Where all of this is so of the arguments.
pub(crate) fn rule_of(conditions: &[(u8, SeccompCmpOp, u64)]) -> SeccompRule {
    let condition = |(argument, compare, value): &(u8, SeccompCmpOp, u64)| {
        SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, compare.clone(), *value)
    };
    let conditions: Result<_, _> = conditions.iter().map(condition).collect();
    SeccompRule::new(conditions.expect("conditions")).expect("a rule")
}
