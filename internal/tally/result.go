package tally

// Result is the outcome of a tabulation. It shares no memory with what it was
// computed from. All counts of ballots are weighted. Fields that a method has no use for
// are zero.
type Result struct {
	// Ballots counts all ballots, also blank ones and those that in the end counted for
	// no option.
	Ballots int64
	// Blank counts the ballots that name no option.
	Blank int64
	// Overvoted counts the ballots that name more options than the poll allows, and so
	// count for none.
	Overvoted int64
	// Options has an entry for each option, in the order of the definition.
	Options []OptionResult

	// Winners holds the numbers of the options that won, ascending. It is empty when
	// there are no votes at all. With one seat, several winners are a tie that is
	// reported; with several seats, winners are those who surely have one.
	Winners []int
	// Elected are the winners in the order in which they were elected, for a method that
	// fills its seats one after the other.
	Elected []int
	// Unresolved are options that are equal for seats; nil if all seats are decided.
	Unresolved *Unresolved

	// Ranking is the final order, best first; options in the same tier are equal.
	Ranking [][]int
	// Pairwise[a][b] is how many ballots prefer option a to option b.
	Pairwise [][]int64
	// CondorcetWinner is the option that wins the comparison with each other option that
	// some ballot ranks; nil if there is none.
	CondorcetWinner *int
	// Smith is the smallest set of options that all win against each option outside it,
	// ascending. Options that no ballot ranks are not looked at.
	Smith []int
	// Paths[a][b] is the strength of the strongest path of pairwise wins from a to b.
	Paths [][]Strength
	// WorstDefeat is, for each option, how many votes its worst pairwise defeat has by the
	// measure of the poll. With margins it is negative for an option that is ahead of all
	// others.
	WorstDefeat []int64
	// Locked are the pairs that were locked, winner first, in the order of locking. Dropped
	// are those that were passed over, since with the locked ones they close a circle, the
	// strongest first.
	Locked, Dropped [][2]int

	// Finalists are the two options of an automatic runoff, the one with more points
	// first; Runoff is how it went, and DecidedBy what decided it.
	Finalists []int
	Runoff    *Runoff
	DecidedBy DecidedBy
	// Quota is how many votes a seat takes.
	Quota Number

	// Rounds are the steps of a method that counts in rounds; the last one has the
	// winner.
	Rounds []Round
	// TieBreaking states in plain words what the method does with ties.
	TieBreaking string
	// Ties are the steps that decided between equal options, in their order, if they
	// affect who won or who left the count.
	Ties []Tie
	// OtherOrders are options, ascending and without the winners, that could have won:
	// where the order of the definition or the lot decided a tie, another order would have
	// elected them.
	OtherOrders []int
	// OrdersLeft reports that there were too many such orders to count them all:
	// options missing in OtherOrders may also have won.
	OrdersLeft bool
}

// Unresolved is a tie that stays open.
type Unresolved struct {
	Seats   int   // how many seats are not filled
	Options []int // those who are equal for them, ascending
	Stage   Stage // where the tie is
}

// Stage is where in a count a tie stayed open.
type Stage string

// The stages.
const (
	StageScoring     Stage = "scoring"     // for a place in an automatic runoff
	StageRunoff      Stage = "runoff"      // in an automatic runoff
	StageLastSeat    Stage = "last_seat"   // for the last seats
	StageElimination Stage = "elimination" // for which option leaves a count in rounds
	StageSurplus     Stage = "surplus"     // for whose surplus is transferred first
)

// Runoff is a comparison of two finalists.
type Runoff struct {
	Votes        []int64 // ballots that prefer each, in the order of the finalists
	NoPreference int64   // ballots that rate both alike
}

// DecidedBy is what decided between two finalists.
type DecidedBy string

// What can decide.
const (
	ByRunoff    DecidedBy = "runoff"     // more ballots prefer the winner
	ByScore     DecidedBy = "score"      // a higher sum of scores
	ByTopScores DecidedBy = "top_scores" // more ballots with the highest score
	ByListed    DecidedBy = "listed"     // the order of the definition
	ByLot       DecidedBy = "lot"        // the lot
)

// OptionResult is what one option received. Fields that the method does not use are
// zero.
type OptionResult struct {
	Votes int64   // ballots that count for it; in a method with rounds, in the first round
	Score int64   // sum of the scores it was given
	Marks int64   // ballots that name it at all
	Mean  float64 // Score over Marks, to be shown; 0 if no ballot scored it

	Points       Number  // of a method that gives points for ranks
	Wins         Number  // pairs of options that it wins; half for a tie
	TopScores    int64   // ballots that give it the highest score
	Distribution []int64 // ballots by the score they give it, from 0 on
}

// Round is one step of a count in rounds. Votes and Standing have an entry for
// each option; in each round the votes, Exhausted and Loss add up to all ballots.
type Round struct {
	Votes      []Number // what counts for the option in this round
	Standing   []bool   // whether the option was still in the count in this round
	Eliminated []int    // options that left at the end of this round, ascending
	Exhausted  Number   // ballots, or parts of them, that count for no option in this round
	Decided    string   // the tie-break that this round needed, in plain words; or ""

	Elected     []int       // options that won a seat in this round, in their order
	ExhaustedBy Exhaustion  // why ballots are exhausted, of those that are not blank
	Threshold   Number      // how many votes win in this round
	Quota       Number      // how many votes a seat takes in this round, if it changes
	SurplusOf   []int       // options whose surplus was transferred at the end of this round
	Transfers   []Transfer  // what moved at the end of this round
	Keep        []Number    // per option: the share of each ballot that it keeps
	Loss        Number      // what rounding has lost up to this round
	Scores      []Number    // per option: the sum of scores in this round
	Finalists   []int       // as in Result, of this round
	Runoff      *Runoff     // as in Result, of this round
	DecidedBy   DecidedBy   // as in Result, of this round
	Unresolved  *Unresolved // the tie at which the count stopped; as in Result
}

// Exhaustion counts exhausted ballots by their reason.
type Exhaustion struct {
	Choices   int64 // no further choice
	Overvotes int64 // several options at one rank
	Skipped   int64 // too many empty ranks
	Repeated  int64 // an option that is ranked again
}

// Transfer is votes that moved.
type Transfer struct {
	From, To int // options; To is -1 for votes that no option received
	Votes    Number
}
