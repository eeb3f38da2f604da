// Package proofs takes proofs of a sample of the ballots of a load test, and checks them as
// voters would: from files, with policies that the load test itself made of the members' keys.
//
// A proof is asked for as soon as a ballot is acknowledged, through whatever is broken at that
// time, and once more when everything is over. Both are kept below the output directory:
//
//	proofs/sample.json                              whose proofs, and what was acknowledged to them
//	proofs/policies/POLL.policy                     whose signatures count
//	proofs/during/POLL/VOTER.tlog-proof             taken during the load
//	proofs/after/POLL/VOTER.tlog-proof              taken after it
//
// `voted verify receipt` checks the same files.
package proofs
