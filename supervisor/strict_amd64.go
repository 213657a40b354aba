package supervisor

// strictDisablesTSC: strict mode makes rdtsc a SIGSEGV (kernel/seccomp.c,
// seccomp_set_mode_strict, where there is TIF_NOTSC).
const strictDisablesTSC = true
