// Package recount counts a poll again from what is published of it, or from what auditors are
// given, and from nothing else: the bytes that its log has the hashes of.
//
//	definition ─┐                                   ┌─► tally ─► compared with a result
//	profile ────┼─► equal to the hashes in the log ─┤
//	closing ────┘                                   └─► else: whose fault, in which line
//	                         audit ─► every entry of the log made again ─► its root
//
// What signatures say is for package proof, what people are told for cmd/voted/verify.
package recount
