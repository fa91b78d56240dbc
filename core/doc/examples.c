/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An example for each directive that most configurations have: lines as they
 * could stand in its block.
 */
#include "core/doc/doc.h"


static const struct {
    const char *name, *lines;
} examples[] = {
    { "access_log", "access_log /var/log/nginx/access.log combined;" },
    { "add_header", "add_header X-Frame-Options DENY always;" },
    { "alias", "location /img/ { alias /srv/images/; }" },
    { "allow", "allow 192.0.2.0/24;\ndeny all;" },
    { "auth_basic",
      "auth_basic \"Restricted\";\nauth_basic_user_file htpasswd;" },
    { "client_max_body_size", "client_max_body_size 20m;" },
    { "deny", "allow 192.0.2.0/24;\ndeny all;" },
    { "error_log", "error_log /var/log/nginx/error.log warn;" },
    { "error_page", "error_page 500 502 503 504 /50x.html;" },
    { "expires", "location /static/ { expires 30d; }" },
    { "geo", "geo $inside {\n    default 0;\n    192.0.2.0/24 1;\n}" },
    { "gzip", "gzip on;\ngzip_types text/css application/javascript;" },
    { "gzip_types", "gzip_types text/css application/javascript;" },
    { "if", "if ($request_method = POST) { return 405; }" },
    { "include", "include /etc/nginx/conf.d/*.conf;" },
    { "index", "index index.html index.htm;" },
    { "keepalive",
      "upstream app {\n    server 127.0.0.1:3000;\n    keepalive 16;\n}" },
    { "keepalive_timeout", "keepalive_timeout 65s;" },
    { "limit_rate", "limit_rate 500k;" },
    { "listen", "listen 80 default_server;\nlisten [::]:80;" },
    { "location", "location ~ \\.(png|jpg)$ { expires 30d; }" },
    { "log_format", "log_format short '$remote_addr \"$request\" $status';" },
    { "map", "map $http_upgrade $connection_upgrade {\n    default upgrade;\n"
             "    '' close;\n}" },
    { "proxy_pass", "location /api/ { proxy_pass http://127.0.0.1:3000/; }" },
    { "proxy_read_timeout", "proxy_read_timeout 300s;" },
    { "proxy_set_header",
      "proxy_set_header Host $http_host;\n"
      "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" },
    { "real_ip_header",
      "set_real_ip_from 192.0.2.1;\nreal_ip_header X-Forwarded-For;" },
    { "resolver", "resolver 127.0.0.53 valid=30s;" },
    { "return", "return 301 https://$host$request_uri;" },
    { "rewrite", "rewrite ^/old/(.*)$ /new/$1 permanent;" },
    { "root", "root /srv/www;" },
    { "server", "server {\n    listen 80;\n    server_name example.com;\n"
                "    root /srv/www;\n}" },
    { "server_name", "server_name example.com www.example.com;" },
    { "set", "set $backend http://127.0.0.1:3000;" },
    { "set_real_ip_from",
      "set_real_ip_from 192.0.2.1;\nreal_ip_header X-Forwarded-For;" },
    { "try_files", "try_files $uri $uri/ /index.html;" },
    { "upstream", "upstream app {\n    server 127.0.0.1:3000;\n"
                  "    server 127.0.0.1:3001 backup;\n}" },
    { "user", "user www-data;" },
    { "worker_connections", "worker_connections 4096;" },
    { "worker_processes", "worker_processes auto;" },
};


const char *
doc_example(str_t name)
{
    for (size_t i = 0; i < countof(examples); i++)
        if (str_eq(name, str_of(examples[i].name)))
            return examples[i].lines;
    return NULL;
}
