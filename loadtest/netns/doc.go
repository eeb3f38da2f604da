// Package netns gives each member of a cluster a network namespace of its own, and
// cuts members off from each other by dropping packets between them, as a network that
// has failed does.
//
// The namespaces have no names: they are held open by this process and by the nodes
// in them, so that the kernel removes them, with the interfaces and the rules in
// them, when these processes are gone, even if they were killed. The host has one
// interface more, and one route: to a range of addresses that nothing else on the machine
// uses:
//
//	this process ── voted… ─┬─ router ─┬─ n1   nftables drops packets in the router,
//	                        │          ├─ n2   by the interfaces between which they pass,
//	                        │          └─ n3   so that clients still reach a member that
//	                        └ the host         is cut off from the others
package netns
