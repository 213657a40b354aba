package supervisor

// spin is the instruction that tells the processor that somebody waits.
func spin()
