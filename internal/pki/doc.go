// Package pki makes and checks the certificates of a cluster: a private CA, the names
// in its certificates, and TLS configurations that follow their files while a node
// runs.
//
// A name is a URI in the certificate's subject alternative names:
//
//	voted://member/ID           a member of the cluster, for its peer port
//	voted://client/ROLES/NAME   a client of the API, for example voted://client/admin/ops
//
// A certificate has at most one such name. Neither kind is accepted in the place of the
// other, so one CA may sign both.
package pki
