// Package abif reads and writes the Aggregated Ballot Information Format of electorama:
//
//	{title: "Lunch"}        what is known of the election
//	{ballot_type: "rated"}
//	{max_rating: 5}
//	=A:[Ann Lee]            an option, with its name
//	=B:[Bo]
//	12:A/5>B/4              twelve ballots, with ranks and scores
//	3:A>B                   only ranks; = stands between equal options
//	2:A,B                   both chosen
//	1:                      a blank ballot
//
// What follows a # is a comment. One line may hold ranks and scores at once; which of
// them are read depends on the method.
package abif
