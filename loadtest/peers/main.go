package main

import (
	_ "github.com/jackc/pgx/v5/pgxpool"
	_ "go.etcd.io/etcd/client/v3"
)

func main() {}
