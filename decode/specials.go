package decode

// specials are the calls that their signatures do not tell all of.
var specials = map[string]*special{}
