// Package backend adapts a member of the cluster to the API's interfaces.
package backend

import (
	"voted/internal/api"
	"voted/internal/cluster"
)

// Member is a cluster node with the methods that the API needs.
type Member struct {
	*cluster.Node
	Dir string // of the member's data: uploads go there
}

var _ api.Cluster = Member{}
