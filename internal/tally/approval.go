package tally

// approval lets a ballot name every option it approves of; most approvals win. The sums
// and the rule are those of plurality. Only the content of a ballot differs, and
// package poll checks that.
//
// Source: S. Brams and P. Fishburn, "Approval Voting", American Political
// Science Review 72 (1978).
var approval = Method{
	Name:        "approval",
	Title:       "Approval",
	Form:        Choice,
	DefaultTies: TiesReport,
	additive:    mostVotes,
}
