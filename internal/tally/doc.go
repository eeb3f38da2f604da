// Package tally turns ballots into results. It is pure: the same ballots give
// the same result on every machine and in every run, so that replicas may
// compute it independently and agree.
//
// # What goes in
//
// No method ever sees a single ballot. An additive method (plurality, approval, score)
// needs only [Totals], the running sums that a poll keeps while ballots arrive. A method
// that compares options in pairs needs only [PairCounts], which are sums too, and are
// brought from one state of a poll to the next by what has changed in between. Every other
// method needs a [Profile]: the distinct preferences and how many current ballots hold
// each. A poll with ten million ballots often has only a few hundred distinct
// preferences, and the cost of a tabulation depends on these.
//
// Ballots are validated where they enter, so a profile normally has valid content only.
// Still, a tabulation must not panic on other content, because it runs on every replica
// at once. All methods ignore invalid content in the same way:
//
//   - an option number outside 0 … Options-1 is ignored;
//   - an option that a ballot names again is ignored the second time;
//   - a group whose weight is not positive is ignored;
//   - a method without ties reads a ranking only up to the first tier that lists
//     more than one option, unless one of its rules says otherwise;
//   - for methods that count score by score, a score that the poll does not allow is
//     ignored.
//
// The sum of all weights, and for scores of all weighted scores, must fit an int64. The
// limits of polls ensure that, and those of files are the same.
//
// [Settings] go in as well: how many seats there are, what decides ties
// in the end, and the rules that a method lets a poll choose. A method declares its rules
// as data ([Rule]); [Method.Check] refuses what it does not know. If settings come without
// that check, a tabulation uses the default in place of what it does not know.
//
// # What comes out
//
// A [Result]. Options are identified by their number in the poll's definition; the
// caller adds the names. No text in it names an option. What may have a fraction is a
// [Number], which is exact.
//
// # How to add a method
//
// A method is one file and one line. As the method "borda" has them:
//
// Write borda.go with one unexported variable and the function it names:
//
//	// borda gives an option points for the rank that a ballot gives it; the most points
//	// win. Source: J.-C. de Borda, "Mémoire sur les élections au scrutin", 1781.
//	var borda = Method{
//		Name:        "borda",
//		Title:       "Borda count",
//		Form:        Ranking,
//		Ties:        true,
//		DefaultTies: TiesReport,
//		Rules:       []Rule{bordaPoints, bordaUnranked},
//		tabulate:    tabulateBorda,
//	}
//
//	func tabulateBorda(p Profile, s Settings) Result { … }
//
// Then add its line to the table methods in method.go, from which polls and counts of files
// choose by name.
//
// The function gets settings in which the defaults are filled in, and reads its rules once,
// into a struct of its own, by Settings.word, count and marked. Seats for which several
// options are equal go through Result.fillSeats, any other tie through a ladder (ties.go):
// the steps of the method in their order, and then Settings.winning or Settings.leaving.
//
// Set additive, and not tabulate, only if the result follows from the sums in
// [Totals] alone; the Form must then be [Choice] or [Scores], whose sums are
// defined. Set compared, and not tabulate, if it follows from a [Pairwise] alone, which
// the rule unranked shapes. Set tabulate for everything else.
//
// The function must satisfy the following. The tests in this package check it for every
// method in the table:
//
//   - It neither changes its argument nor keeps or returns a part of it.
//   - It panics on no profile and on no settings, and ignores invalid content as stated
//     above.
//   - Its result does not depend on the order of the groups, nor on whether a
//     preference is in one group or in several; multiplying all weights
//     multiplies the counts and leaves the winners.
//   - No map is ranged over where order could reach the result, and no floating
//     point number decides anything.
//   - Ballots counts every ballot, blank ones too; Options has an entry for each
//     option; Winners is ascending, and empty if no option has a vote.
//   - TieBreaking says in plain words what happens with ties. A tie that was
//     broken is named in the round where it happened, and each step of it in Ties;
//     OtherOrders says who else could have won where the definition's order decided.
//
// In addition to the table tests with known elections, compare the method with a second
// implementation in the tests. Write it differently and as plainly as possible, ballot
// by ballot; see reference_test.go.
package tally
