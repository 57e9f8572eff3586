"""Parts of Ansible that plugins share."""
