package tally

import "slices"

// irv is instant runoff: each ballot counts for the best option on it that is still in
// the count. The weakest option leaves, again and again, until one has more than half
// of the ballots that still count. Options tied for last leave together if their order
// cannot matter; otherwise earlier rounds decide.
//
// Source: Robert's Rules of Order Newly Revised (12th ed.) §45, "Preferential
// Voting"; leaving together as in San Francisco's Charter §13.102(e), but only for options
// that are tied, unless a poll says otherwise. The rules for marks on paper are those of
// election law in the United States; RCTab (Ranked Choice Voting Resource Center) names
// them all.
var irv = Method{
	Name:        "irv",
	Title:       "Instant runoff",
	Form:        Ranking,
	OneSeat:     true,
	DefaultTies: TiesListed,
	Rules:       []Rule{irvUntil, irvEliminate, irvThreshold, irvOvervote, irvMaxSkipped, irvDuplicate, irvWriteIn, irvWithdrawn},
	tabulate:    tabulateIRV,
}

var (
	irvUntil = Rule{
		Name: "until", Kind: Word, Words: []string{"majority", "two"},
		Help: "Whether the count ends once an option has a majority, or goes on until two options are left; the winner is the same.",
	}
	irvEliminate = Rule{
		Name: "eliminate", Kind: Word, Words: []string{"tied_sure_losers", "one", "sure_losers"},
		Help: "Which options leave in a round: several that are tied for last if their votes together are fewer than the next option's; always one; or the most options whose votes together are fewer than the next option's.",
	}
	irvThreshold = Rule{
		Name: "threshold", Kind: Word, Words: []string{"active", "first_round"},
		Help: "Whether a majority is of the ballots that count in the round, or of those that counted in the first round; of the last two options the one with more votes wins anyway.",
	}
	irvOvervote = Rule{
		Name: "overvote", Kind: Word, Words: []string{"exhaust", "skip", "exhaust_if_multiple_continuing"},
		Help: "What a rank with several options does: it exhausts the ballot; it is passed over; or it exhausts the ballot if two or more of them are in the count, and counts for the only one that is.",
	}
	irvMaxSkipped = Rule{
		Name: "max_skipped", Kind: Count, Least: 0, Default: "any number",
		Help: "How many empty ranks in a row are passed over; more of them exhaust the ballot.",
	}
	irvDuplicate = Rule{
		Name: "duplicate", Kind: Word, Words: []string{"skip", "exhaust"},
		Help: "Whether an option that is ranked again is passed over, or exhausts the ballot.",
	}
	irvWriteIn = Rule{
		Name: "write_in", Kind: OneOption, Default: "none",
		Help: "The option that stands for write-ins that were not declared: it leaves in the first round whatever it has.",
	}
	irvWithdrawn = Rule{
		Name: "withdrawn", Kind: SomeOptions, Default: "none",
		Help: "Options that withdrew before the count: ballots are read as if they had not named them.",
	}
)

// irvRules are the rules of a count.
type irvRules struct {
	untilTwo             bool
	together             bool // tied for last leave together if they can
	sureLosers           bool // all who cannot win leave together
	firstRound           bool // the majority is that of the first round
	overvoteSkips        bool
	overvoteIfOneIsLeft  bool
	maxSkipped           int // -1: any number
	repeatedRankExhausts bool
	writeIn              int    // -1: none
	withdrawn            []bool // per option
}

func irvRulesOf(s Settings, options int) irvRules {
	eliminate, overvote := s.word(irvEliminate), s.word(irvOvervote)
	r := irvRules{
		untilTwo:             s.word(irvUntil) == "two",
		together:             eliminate != "one",
		sureLosers:           eliminate == "sure_losers",
		firstRound:           s.word(irvThreshold) == "first_round",
		overvoteSkips:        overvote == "skip",
		overvoteIfOneIsLeft:  overvote == "exhaust_if_multiple_continuing",
		maxSkipped:           -1,
		repeatedRankExhausts: s.word(irvDuplicate) == "exhaust",
		writeIn:              slices.Index(s.marked(irvWriteIn, options), true),
		withdrawn:            s.marked(irvWithdrawn, options),
	}
	if n, set := s.count(irvMaxSkipped); set {
		r.maxSkipped = n
	}
	return r
}

// tabulateIRV counts, and counts again for other orders in which listed ties could have
// been decided. If a tie is left open or reported, but every order of the options elects the
// same one, it is elected.
func tabulateIRV(p Profile, s Settings) Result {
	r, listed := newRunoff(p, s).count(nil)
	if len(listed) > 0 {
		start := newRunoff(p, s)
		again := func(script [][]int) (Result, []listedTie) { return start.clone().count(script) }
		r.OtherOrders, r.OrdersLeft = otherOrders(again, maxOtherOrders, r.Winners, listed)
	}
	if r.Unresolved != nil || len(r.Winners) > 1 {
		inOrder := s
		inOrder.Ties = TiesListed
		if one := tabulateIRV(p, inOrder); len(one.OtherOrders) == 0 && !one.OrdersLeft {
			c := newRunoff(p, s)
			c.anyOrder = true
			r, _ = c.count(nil)
		}
	}
	return r
}

// count counts round by round; the runoff cannot be used afterwards. A ballot is looked
// at once each time the option it counts for is eliminated. script says which option is
// eliminated in the first listed ties; in later ones it is the last option.
func (c *runoff) count(script [][]int) (r Result, listed []listedTie) {
	r = c.result()
	var history [][]int64 // the votes of each round
	for {
		history = append(history, slices.Clone(c.votes))
		round, ended := c.round(&r)
		if ended {
			r.Rounds = append(r.Rounds, round)
			return r, listed
		}
		if len(round.Elected) > 0 {
			// As in RCTab, who wins has a round, and then the count goes on.
			r.Rounds = append(r.Rounds, round)
			continue
		}
		l := c.lastPlace(history)
		if l.listed() {
			if len(listed) < len(script) {
				l.out = script[len(listed)]
			}
			listed = append(listed, listedTie{l.ties[len(l.ties)-1].Options, l.out})
		}
		round.Eliminated, round.Decided = l.out, l.decided
		r.Ties = append(r.Ties, l.ties...)
		if len(l.out) == 0 {
			c.stop(&r, &round, l.ties)
			r.Rounds = append(r.Rounds, round)
			return r, listed
		}
		if len(l.ties) > 0 && c.left() == len(l.out)+1 && len(r.Winners) == 0 {
			round.Elected = c.others(l.out)
		}
		r.Rounds = append(r.Rounds, round)
		c.eliminate(l.out)
	}
}

// result is what a count begins with.
func (c *runoff) result() Result {
	r := Result{
		Ballots:     c.ballots,
		Blank:       c.blank,
		Options:     make([]OptionResult, len(c.votes)),
		TieBreaking: c.tieBreaking(),
	}
	for i := range r.Options {
		r.Options[i] = OptionResult{Votes: c.votes[i], Marks: c.marks[i]}
	}
	return r
}

// round describes the count as it is now, and reports whether it has ended. An option
// that has enough votes is elected at once, even if the count goes on until two are left;
// from then on the threshold stays. The count always ends: each round eliminates at least
// one option, and with none left no ballot counts.
func (c *runoff) round(r *Result) (round Round, ended bool) {
	if c.threshold == 0 || !c.rules.firstRound && len(r.Winners) == 0 {
		// More than half, written so that it cannot overflow.
		c.threshold = c.continuing/2 + 1
	}
	round = Round{
		Votes:       wholes(c.votes),
		Standing:    slices.Clone(c.standing),
		Exhausted:   Whole(c.ballots - c.continuing),
		ExhaustedBy: c.spent,
		Threshold:   Whole(c.threshold),
	}
	left := c.left()
	if winner, ok := c.winner(left); ok && len(r.Winners) == 0 {
		r.Winners = []int{winner}
		round.Elected = []int{winner}
	}
	return round, c.continuing == 0 || len(r.Winners) > 0 && (!c.rules.untilTwo || left <= 2)
}

// left is how many options are in the count that can win.
func (c *runoff) left() (n int) {
	for i, standing := range c.standing {
		if standing && i != c.rules.writeIn {
			n++
		}
	}
	return n
}

// others are the options in the count that can win, without those who leave: only one if
// the tie of the last two was decided.
func (c *runoff) others(out []int) (rest []int) {
	for i, standing := range c.standing {
		if standing && i != c.rules.writeIn && !slices.Contains(out, i) {
			rest = append(rest, i)
		}
	}
	return rest
}

// winner finds an option that can win with its votes in this round: those of the
// threshold, or the most of the last two.
func (c *runoff) winner(left int) (winner int, found bool) {
	leader, tied := -1, false
	for i, votes := range c.votes {
		switch {
		case !c.standing[i] || i == c.rules.writeIn:
		case leader < 0 || votes > c.votes[leader]:
			leader, tied = i, false
		case votes == c.votes[leader]:
			tied = true
		}
	}
	if leader < 0 || c.votes[leader] == 0 {
		return 0, false
	}
	lastTwo := c.rules.firstRound && left <= 2 && !tied && !c.hasWriteIn()
	return leader, c.votes[leader] >= c.threshold || lastTwo
}

// hasWriteIn reports whether write-ins that cannot win are still in the count.
func (c *runoff) hasWriteIn() bool { return c.rules.writeIn >= 0 && c.standing[c.rules.writeIn] }

// stop ends a count at a tie for last that nothing decides. If the tied are all who are
// left, and a tie is to be reported, all of them win.
func (c *runoff) stop(r *Result, round *Round, ties []Tie) {
	if len(r.Winners) > 0 {
		return // who comes second stays open
	}
	open := ties[len(ties)-1].Options
	if last := &r.Ties[len(r.Ties)-1]; c.settings.Ties == TiesReport && len(open) == c.left() {
		r.Winners = slices.Clone(open)
		last.Step, last.Chosen = TieReported, slices.Clone(open)
		return
	}
	r.Unresolved = &Unresolved{Seats: 1, Options: slices.Clone(open), Stage: StageElimination}
	round.Unresolved = &Unresolved{Seats: 1, Options: slices.Clone(open), Stage: StageElimination}
}
