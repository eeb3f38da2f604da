// Package hostile is layer L9: input that means harm, on both ports of a cluster that goes
// on counting meanwhile. Two clusters are tried one after the other.
//
// The first is under TLS and asks for credentials. Its public port gets mutated requests,
// which reach every decoder behind it: with a good token, with none, and with tokens, JWTs
// and credentials that are foreign, forged or another voter's. It also gets the headers
// that a browser adds for pages of other origins, ballots under several writings of one
// name, and ballots under what is no name. Its peer port gets garbage, broken handshakes
// and the protocol without TLS.
//
// The second is without TLS, so that mutated calls and frames reach the decoders behind its
// peer port. Its public port is also called by names that are not its own, as after DNS
// rebinding.
//
// Everything is drawn from the seed. Afterwards each node must still run and be about as
// small as before. It must not have panicked, nor answered anything with 500, 502 or 504.
// Every ballot of the load at the same time must have counted once.
package hostile
