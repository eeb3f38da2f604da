// Package wire stands between the parties: between the members of a cluster, to
// cut them off from each other, and between a client and a node, to lose answers.
package wire
