// Package wire breaks what passes on the network: between the members of a cluster, to
// cut them off from each other, and between a client and a node, to lose answers. It also
// knows how to reach nodes that require TLS and a token.
package wire
