// Package pki makes and checks the certificates of a cluster: a private CA, the
// names that stand in its certificates, and TLS configurations that follow the
// files while a node runs.
//
// A name is a URI in the certificate's subject alternative names:
//
//	voted://member/ID           a member of the cluster, for its peer port
//	voted://client/ROLES/NAME   a client of the API, for example voted://client/admin/ops
//
// A certificate has one such name at most. The two kinds never stand in for each
// other, so that one CA may sign both.
package pki
