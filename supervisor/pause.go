package supervisor

// spin is a few of the instructions that tell the processor that somebody waits.
func spin()
