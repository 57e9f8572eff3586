echo "plain $1 $2"
