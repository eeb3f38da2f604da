// Package netns gives each member of a cluster a network namespace of its own, and
// cuts members off from each other by dropping packets between them, as a network
// does that has failed.
//
// The namespaces have no names: they are held open by this process and by the nodes
// in them, so that the kernel removes them, with the interfaces and the rules in
// them, when these processes are gone, however they ended. The host sees one
// interface, and the route that comes with it, of a range of addresses that nothing
// else on the machine uses:
//
//	this process ── voted… ─┬─ router ─┬─ n1   nftables drops packets in the router,
//	                        │          ├─ n2   by the interfaces between which they pass,
//	                        │          └─ n3   so that clients still reach a member that
//	                        └ the host         is cut off from the others
package netns
