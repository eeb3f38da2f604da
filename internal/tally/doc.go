// Package tally turns ballots into results. It is pure: the same ballots give
// the same result on every machine and in every run, so that replicas may
// compute it independently and agree.
//
// # What goes in
//
// No method ever sees a single ballot. An additive method (plurality, approval,
// score) needs only [Totals], the running sums that a poll keeps while ballots
// arrive. Every other method needs a [Profile]: the distinct preferences and how
// many current ballots hold each. A poll with ten million ballots often has only
// a few hundred distinct preferences, and tabulation costs by the latter.
//
// Ballots are validated where they enter, so a profile normally holds nothing
// odd. Still, a tabulation must not panic on one that does, because it runs on
// every replica at once. Content that means nothing is passed over, for all
// methods alike:
//
//   - an option number outside 0 … Options-1 is ignored;
//   - an option that a ballot names again is ignored the second time;
//   - a group whose weight is not positive is ignored;
//   - a method without ties reads a ranking only up to the first tier that lists
//     more than one option.
//
// The sum of all weights, and for score of all weighted scores, must fit an
// int64; the poll's limits see to that.
//
// # What comes out
//
// A [Result]. Options are identified by their number in the poll's definition;
// whoever shows the result puts the names in. No text in it names an option.
//
// # How to add a method
//
// A method is one file and one line. For a method "borda":
//
// Write borda.go with one unexported variable and the function it names:
//
//	// borda gives an option a point for each option that a ballot ranks below it.
//	// Source: J.-C. de Borda, "Mémoire sur les élections au scrutin", 1781.
//	var borda = Method{
//		Name:     "borda",
//		Title:    "Borda count",
//		Form:     Ranking,
//		Ties:     true,
//		tabulate: tabulateBorda,
//	}
//
//	func tabulateBorda(p Profile) Result { … }
//
// Then add its line to the table methods in method.go. Nothing registers itself:
// whoever reads that table knows every method there is.
//
// Set additive, and not tabulate, only if the result follows from the sums in
// [Totals] alone; the Form must then be [Choice] or [Scores], whose sums are
// defined. Set tabulate, and not additive, for everything else.
//
// The function owes its callers this, and the tests in this package check it for
// every method in the table:
//
//   - It neither changes its argument nor keeps or returns a part of it.
//   - It panics on no profile, and treats meaningless content as stated above.
//   - Its result does not depend on the order of the groups, nor on whether a
//     preference stands in one group or in several; multiplying all weights
//     multiplies the counts and leaves the winners.
//   - No map is ranged over where order could reach the result, and no floating
//     point number decides anything.
//   - Ballots counts every ballot, blank ones too; Options has an entry for each
//     option; Winners is ascending, and empty if nobody has a vote.
//   - TieBreaking says in plain words what happens to equals. A tie that was
//     broken is named in the round where it happened.
//
// Beside the table tests with known elections, compare the method with a second
// implementation in the tests that is written differently and as plainly as
// possible, ballot by ballot; reference_test.go has the ones there are.
package tally
