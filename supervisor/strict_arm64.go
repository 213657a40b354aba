package supervisor

// strictDisablesTSC: strict mode forbids nothing but calls.
const strictDisablesTSC = false
