# SPDX-License-Identifier: BSD-2-Clause
#
# The built-in variables of a request.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(strftime);
use Sys::Hostname;
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/a b.txt', '1234567890');
my $dir = $t->dir;
my $text = <<'EOC';
%%HTTP%%
    default_type text/plain;
    underscores_in_headers on;
    log_format done "$request_completion|$status|$body_bytes_sent|$bytes_sent";
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name main.test alias.test;
        root %%TESTDIR%%/html;
        location /sent/ {
            alias %%TESTDIR%%/html/;
            add_header X-Type $sent_http_content_type;
            add_header X-Tag $sent_http_etag;
            add_header X-Modified $sent_http_last_modified;
            add_header X-Length $sent_http_content_length;
        }
        location /real/ { alias %%TESTDIR%%/link/;
                          add_header X-Root $realpath_root; }
        location /body { client_body_in_single_buffer on;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
            add_header X-Body "$request_body";
            add_header X-File "$request_body_file"; }
        location /file { client_body_in_file_only clean;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
            add_header X-Body "[$request_body]";
            add_header X-File "$request_body_file"; }
        location /done { access_log %%TESTDIR%%/done.log done; return 200 "x"; }
        location /fn/ { alias %%TESTDIR%%/html/;
                        add_header X-Name $request_filename; }
        location /redirect { error_page 404 /uri; return 404; }
        location = /uri {
            return 200 "$uri|$document_uri|$request_uri|$request_method";
        }
LOCATIONS
    }
    server { listen 127.0.0.1:%%PORT_up%%; return 200 up; }
}
EOC

# Each variable is answered by a location of its name.
my @names = qw(
    arg_a arg_B args binary_remote_addr connection connection_requests
    content_length content_type cookie_c cookie_d document_root document_uri
    host hostname http_host http_user_agent http_x_some http_under_score
    http_cookie http_x_forwarded_for https is_args msec nginx_version pid pipe
    query_string realpath_root remote_addr remote_port remote_user request
    request_completion request_filename request_id request_length
    request_method request_time request_uri scheme server_addr server_name
    server_port server_protocol status time_iso8601 time_local
    tcpinfo_rtt uri proxy_protocol_addr connection_time
);
my $locations = join '', map
    { "        location /v_$_ { return 200 \"\${$_}\"; }\n" } @names;
$text =~ s/LOCATIONS\n/$locations/;
symlink 'html', $t->path('link');
$t->run($text);

sub var {
    my ($name, $tail, @opt) = @_;

    return $t->get("/v_$name" . ($tail // ''), @opt)->body;
}

# is_var($name, $wanted, $tail, %options of the request)
sub is_var {
    my ($name, $wanted, $tail, @opt) = @_;
    my $got = var($name, $tail, @opt);
    my $label = "\$$name" . ($tail ? " of $tail" : '');

    ref $wanted ? like($got, $wanted, $label) : is($got, $wanted, $label);
}

# ---- the URI and its arguments ----

is_var('uri', '/v_uri/a b', '/./x/..//a%20b?q');
is_var('document_uri', '/v_document_uri/x', '/x');
is_var('request_uri', '/v_request_uri//x%20?q=%41', '//x%20?q=%41');
is_var('args', 'a=b&c=%20', '?a=b&c=%20');
is_var('query_string', 'a=b', '?a=b');
is_var('is_args', '?', '?a');
is_var('is_args', '', '');
is_var('is_args', '', '?');
is_var('arg_a', 'two%20words', '?b=1&a=two%20words&a=3');
is_var('arg_a', 'upper', '?A=upper');
is_var('arg_a', '', '?aa=1');
is_var('arg_B', 'x', '?b=x');
is $t->get('/redirect')->body, '/uri|/uri|/redirect|GET',
    'after an internal redirect';

# ---- the request line and its fields ----

is_var('request', 'GET /v_request?x HTTP/1.1', '?x');
is $t->post('/v_request_method', 'x')->body, 'POST', '$request_method';
is_var('server_protocol', 'HTTP/1.1');
is_var('server_protocol', 'HTTP/1.0', '', version => '1.0');
is_var('scheme', 'http');
is_var('https', '');
is_var('host', 'some.test', '', host => 'Some.TEST:80');
is_var('host', 'main.test', '', host => undef, version => '1.0');
is_var('http_host', 'Some.TEST:80', '', host => 'Some.TEST:80');
is_var('http_user_agent', 'me', '', headers => ['User-Agent' => 'me']);
is_var('http_x_some', 'yes', '', headers => ['X-Some' => 'yes']);
is_var('http_under_score', 'u', '', headers => ['Under_Score' => 'u']);
is_var('http_x_some', '');
is_var('http_cookie', 'a=1; b=2', '',
       headers => [Cookie => 'a=1', Cookie => 'b=2']);
is_var('http_x_forwarded_for', '1.1.1.1, 2.2.2.2', '',
    headers => ['X-Forwarded-For' => '1.1.1.1',
                'X-Forwarded-For' => '2.2.2.2']);
SKIP: {
    skip_before '1.23.0', 'unknown fields are joined';
    is_var('http_x_some', 'a, b', '',
           headers => ['X-Some' => 'a', 'X-Some' => 'b']);
}
is_var('cookie_c', 'v', '', headers => [Cookie => 'a=1; c=v; d="w"']);
is_var('cookie_d', '"w"', '', headers => [Cookie => 'c=v; d="w"']);
is_var('cookie_c', '', '', headers => [Cookie => 'cc=v']);
is_var('content_type', 'a/b', '', headers => ['Content-Type' => 'a/b']);
is $t->post('/v_content_length', 'abc')->body, '3', '$content_length';
is_var('content_length', '');
is_var('remote_user', 'user', '',
       headers => [Authorization => 'Basic dXNlcjpwdw==']);
is_var('remote_user', '', '', headers => [Authorization => 'Bearer x']);
my $bytes = "GET /v_request_length HTTP/1.1\r\nHost: a\r\n\r\n";
is $t->raw($bytes)->body, length $bytes, '$request_length';

# ---- connection and server ----

my $c = $t->connect;
is $c->get('/v_connection_requests')->body, '1', '$connection_requests';
is $c->get('/v_connection_requests')->body, '2', '$connection_requests';
my $number = $c->get('/v_connection')->body;
like $number, qr/^\d+$/, '$connection';
is $c->get('/v_connection')->body, $number, '$connection stays';
is $c->get('/v_remote_port')->body, $c->local_port, '$remote_port';
$c->send("GET /v_pipe HTTP/1.1\r\nHost: a\r\n\r\n" x 2);
is join('', map { $c->read_response->body } 1, 2), '.p', '$pipe';
is_var('remote_addr', '127.0.0.1');
is unpack('H*', var('binary_remote_addr')), '7f000001', '$binary_remote_addr';
is_var('server_addr', '127.0.0.1');
is_var('server_port', $t->port);
is_var('server_name', 'main.test', '', host => 'alias.test');
is_var('hostname', lc hostname());
is_var('nginx_version', server_version());
ok scalar(grep { $_ eq var('pid') } $t->worker_pids), '$pid';
like var('request_id'), qr/^[0-9a-f]{32}$/, '$request_id';
isnt var('request_id'), var('request_id'), '$request_id changes';
is_var('proxy_protocol_addr', '');
is_var('tcpinfo_rtt', qr/^\d+$/);
is_var('connection_time', qr/^\d+\.\d{3}$/);

# ---- time ----

is_var('msec', qr/^\d{10}\.\d{3}$/);
cmp_ok abs(var('msec') - time), '<', 3, '$msec is now';
is_var('request_time', qr/^\d+\.\d{3}$/);
is_var('time_iso8601', qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
is_var('time_local', qr{^\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}$});

# ---- files ----

is_var('document_root', "$dir/html");
is_var('request_filename', "$dir/html/v_request_filename/a b", '/a%20b');
is $t->get('/fn/a%20b.txt')->header('X-Name'), "$dir/html/a b.txt",
    '$request_filename with alias';
is_var('realpath_root', "$dir/html");
is $t->get('/real/a%20b.txt')->header('X-Root'), "$dir/html",
    '$realpath_root behind a symlink';

# ---- the response ----

my $r = $t->get('/sent/a%20b.txt');
is $r->header('X-Type'), 'text/plain', '$sent_http_content_type';
is $r->header('X-Tag'), $r->header('ETag'), '$sent_http_etag';
is $r->header('X-Modified'), $r->header('Last-Modified'),
    '$sent_http_last_modified';
is $r->header('X-Length'), 10, '$sent_http_content_length';
$r = $t->get('/done');
is $t->wait_log(qr/./, 'done.log'), 'OK|200|1|' . length $r->raw,
    'when the request has ended';

# ---- the body ----

$r = $t->post('/body', 'the body');
is $r->header('X-Body'), 'the body', '$request_body';
is $r->header('X-File'), undef, '$request_body_file of a body in memory';
$r = $t->post('/file', 'the body');
is $r->header('X-Body'), '[]', '$request_body of a body in a file';
like $r->header('X-File'), qr{^\Q$dir\E/client_body_temp/\d+$},
    '$request_body_file';

done_testing;
