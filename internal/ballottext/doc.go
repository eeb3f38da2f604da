// Package ballottext is the notation of a ballot in one cell of text. Exports in CSV
// and files of ballots both use it:
//
//	ann;bo       the options ann and bo
//	bo>ann=cy    bo before ann and cy, which are tied
//	bo>_>ann     bo, a rank that was skipped, ann; in polls whose ballots count as marked
//	ann=5;bo=0   five points for ann, none for bo
//
// Ids of options contain none of these signs, so a cell needs no quotes inside.
package ballottext
