// Package submit brings ballots and commands to the leader, and into its log.
//
//	Cast ─► ingress ─► the leader, here or over the network ─► proposer ─► the replica's log
//	        batches    and, where it failed, the next one      one entry of many batches
//
// Everything that is submitted is idempotent. If its outcome is unknown, because the
// leader died, was cut off or handed over, it is submitted again until its deadline; that
// is why clients see a failover as latency.
package submit
