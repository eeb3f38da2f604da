package tally

// Result is the outcome of a tabulation. It shares no memory with what it was
// computed from. All counts of ballots are weighted.
type Result struct {
	// Ballots counts all ballots, also those that are blank or came to count
	// for nobody.
	Ballots int64
	// Options has an entry for each option, in the order of the definition.
	Options []OptionResult
	// Winners holds the numbers of the options that won, ascending: all tied
	// leaders for an additive method. It is empty when there are no votes at all.
	Winners []int
	// Rounds tells how the count went, for a method that counts in rounds; the
	// last one has the winner.
	Rounds []Round
	// TieBreaking states in plain words what the method does with equals.
	TieBreaking string
}

// OptionResult is what one option received. A field that the method has no use
// for is zero.
type OptionResult struct {
	Votes int64   // ballots that count for it; in a method with rounds, in the first round
	Score int64   // sum of the scores it was given
	Marks int64   // ballots that name it at all
	Mean  float64 // Score over Marks; 0 if no ballot scored it
}

// Round is one step of a count in rounds. Votes and Standing have an entry for
// each option; in each round the votes and Exhausted add up to all ballots.
type Round struct {
	Votes      []int64 // ballots that count for the option in this round
	Standing   []bool  // whether the option was still in the count in this round
	Eliminated []int   // options that left at the end of this round, ascending
	Exhausted  int64   // ballots that count for nobody in this round
	Decided    string  // the tie-break that this round needed, in plain words; or ""
}
