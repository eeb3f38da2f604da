package tally

// Method is a way of finding the winners of a poll. Get one from [ByName]; the zero
// Method cannot be used.
type Method struct {
	Name  string // as in a poll's definition
	Title string // for people
	Form  Form   // what its ballots hold
	Ties  bool   // whether its rankings may hold ties

	// DefaultMaxScore is the most points a ballot may give to an option unless
	// the poll says otherwise. The least is 0. Set for the form Scores only.
	DefaultMaxScore int

	OneSeat     bool     // whether it can only elect one option
	MaxSeats    int      // the most seats that it can fill; 0 is any number
	DefaultTies TieBreak // what decides ties unless the poll says otherwise; never TiesDefault
	Rules       []Rule   // what can be chosen within the method

	// check finds what is wrong with settings that are right one by one, for a poll of so
	// many options; may be nil.
	check func(s Settings, options int) []Fault

	// Exactly one of these is set. They get settings in which the defaults are filled in.
	additive func(Totals, Settings) Result
	compared func(Pairwise, Settings) Result
	tabulate func(Profile, Settings) Result
}

// methods is the table of all methods, in the order in which people see them. See the
// package documentation for how to add one.
var methods = []Method{
	plurality,
	approval,
	score,
	star,
	starPR,
	irv,
	stv,
	borda,
	schulze,
	rankedPairs,
	minimax,
	copeland,
}

// ByName finds a method by the name that a poll's definition gives.
func ByName(name string) (Method, bool) {
	for _, m := range methods {
		if m.Name == name {
			return m, true
		}
	}
	return Method{}, false
}

// Names lists the names of all methods, in the order to show them. The caller
// may change the slice.
func Names() []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.Name
	}
	return names
}

// Additive reports whether the method needs only [Totals], which can be kept up to date
// while ballots arrive and are replaced. The cost of [Method.FromTotals] then depends
// on the number of options, but not of ballots.
func (m Method) Additive() bool {
	return m.additive != nil
}

// FromTotals gives the result from running sums. It panics if the method is not
// additive; ask [Method.Additive] first.
func (m Method) FromTotals(t Totals, s Settings) Result {
	if m.additive == nil {
		panic("tally: method " + m.Name + " is not additive: give FromProfile its profile instead")
	}
	return m.additive(t, s.with(m))
}

// Compares reports whether the method needs only [PairCounts], which are brought from one
// state of a poll to the next by what has changed. The cost of [Method.FromPairs] then
// depends on the number of options, but not of ballots.
func (m Method) Compares() bool { return m.compared != nil }

// FromPairs gives the result from pairwise counts. It panics unless the method decides by
// them alone; ask [Method.Compares] first.
func (m Method) FromPairs(c *PairCounts, s Settings) Result {
	if m.compared == nil {
		panic("tally: method " + m.Name + " needs more than pairwise counts: give FromProfile its profile instead")
	}
	s = s.with(m)
	return m.compared(c.Pairwise(s.unranked()), s)
}

// ShowsPairs reports whether results of a poll with so many options have pairwise
// comparisons: those of every method of rankings do, unless there are too many options to
// show what does not decide.
func (m Method) ShowsPairs(options int) bool {
	return m.compared != nil || m.Form == Ranking && options <= MaxComparedOptions
}

// FromProfile gives the result from the distinct preferences, for every method. An
// additive method sums them first, and one that compares pairs counts these first: for the
// same ballots the result is that of [Method.FromTotals] or [Method.FromPairs].
func (m Method) FromProfile(p Profile, s Settings) Result {
	var pairs *PairCounts
	if m.ShowsPairs(p.Options) {
		pairs = pairCounts(p)
	}
	return m.FromProfileAndPairs(p, pairs, s)
}

// FromProfileAndPairs is [Method.FromProfile] for a caller that has counted the pairs of
// these ballots already. It needs them if [Method.ShowsPairs] says so.
func (m Method) FromProfileAndPairs(p Profile, pairs *PairCounts, s Settings) Result {
	switch with := s.with(m); {
	case m.compared != nil:
		return m.FromPairs(pairs, s)
	case m.additive != nil:
		return m.additive(sum(m.Form, p, with), with)
	default:
		r := m.tabulate(p, with)
		if m.ShowsPairs(p.Options) {
			r.showPairs(pairs.Pairwise(UnrankedBottom))
		}
		return r
	}
}
