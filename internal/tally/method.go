package tally

// Method is a way of finding the winners of a poll. The zero Method is of no
// use; get one from [ByName].
type Method struct {
	Name  string // as it stands in a poll's definition
	Title string // for people
	Form  Form   // what its ballots hold
	Ties  bool   // whether its rankings may hold ties

	// DefaultMaxScore is the most points a ballot may give to an option unless
	// the poll says otherwise. The least is 0. Set for the form Scores only.
	DefaultMaxScore int

	// Exactly one of these is set.
	additive func(Totals) Result
	tabulate func(Profile) Result
}

// methods is the table of all methods, in the order in which they are listed to
// people. See the package documentation for how to add one.
var methods = []Method{
	plurality,
	approval,
	score,
	irv,
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

// Additive reports whether the method needs only [Totals], which can be kept
// while ballots come and are replaced. Its [Method.FromTotals] then costs the
// number of options, whatever the number of ballots.
func (m Method) Additive() bool {
	return m.additive != nil
}

// FromTotals gives the result from running sums. It panics if the method is not
// additive; ask [Method.Additive] first.
func (m Method) FromTotals(t Totals) Result {
	if m.additive == nil {
		panic("tally: method " + m.Name + " is not additive: give FromProfile its profile instead")
	}
	return m.additive(t)
}

// FromProfile gives the result from the distinct preferences, for every method;
// an additive one sums them first, so that for the same ballots the answer is the
// same as from [Method.FromTotals].
func (m Method) FromProfile(p Profile) Result {
	if m.additive != nil {
		return m.additive(sum(m.Form, p))
	}
	return m.tabulate(p)
}
