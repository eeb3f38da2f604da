// Package proofkey has the key with which a member signs the heads of its polls' logs.
//
// A proof key is one Ed25519 seed of 32 bytes in a file that its owner alone may read. Package
// proof makes two key pairs of it: the one signs in the name of a log, the other in that of the
// member. No two members share a key, so a signature always shows whose it is. It is not the
// key of TLS, which is renewed every year and signs handshakes.
//
// The CA of the cluster certifies both public halves, under voted://proof/ID/USE (package pki):
// whoever has the certificate of the CA can check that a policy names the members' keys.
package proofkey
