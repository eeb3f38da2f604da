// Package pki makes and checks the certificates of a cluster: a private CA, the names
// in its certificates, and TLS configurations that follow their files while a node
// runs.
//
// A name is a URI in the certificate's subject alternative names:
//
//	voted://member/ID           a member of the cluster, for its peer port
//	voted://client/ROLES/NAME   a client of the API, for example voted://client/admin/ops
//	voted://proof/ID/USE        a key with which a member signs heads of logs; USE is log or cosigner
//
// A certificate has at most one such name. No kind is accepted in the place of another, so
// one CA may sign them all.
package pki
