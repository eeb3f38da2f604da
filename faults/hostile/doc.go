// Package hostile is layer L9: input that means harm, on both ports of a living
// cluster that goes on counting meanwhile. Two clusters are tried one after the other.
//
// The first is under TLS and asks for credentials: mutated requests reach every
// decoder behind the public port, with a good token, with none, and with tokens, JWTs
// and credentials that are foreign, forged or another voter's; the peer port gets
// garbage, broken handshakes and the plain protocol. The second one speaks plainly, so
// that mutated calls and frames reach the decoders behind the peer port.
//
// Everything is drawn from the seed. After it each node must still run, must have
// answered nothing with 500, 502 or 504, must not have panicked, must be as small as before, and
// every ballot of the load beside must have counted once.
package hostile
