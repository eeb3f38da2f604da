// Package operator has the pages of whoever runs a cluster: how it is and was, and what can be done about it.
//
// The console works from the node alone, without a leader. What is wrong is said in the node's own sentences; nothing is
// judged here.
package operator
