// Package wire stands between the parties: between the members of a cluster, to
// cut them off from each other, and between a client and a node, to lose answers. It also
// knows how nodes are spoken to that want TLS and a token.
package wire
