# SPDX-License-Identifier: BSD-2-Clause
#
# Every variable of the HTTP modules, in responses' bodies, in fields and in
# logs: what it is early and late, in subrequests and after internal redirects,
# where there is nothing to tell, and whether it may be set.  Where the
# reference lies beside the tree, no row of a module of this build is missing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::Test qw(top_folder);

need_module(qw(http_rewrite http_proxy http_fastcgi));

my $num = qr/\d+/;
my $secs = qr/\d+\.\d{3}/;
my $clf = qr{\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}};
my $iso = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d/;
my $ssi = qr/[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d \S+/;
my $id = qr/[0-9a-f]{32}/;
my $t = Weir::Test->new;
my ($dir, $port, $up) = ($t->dir, $t->port, $t->port('up'));
my $none = '<none>';            # not there: "-" in logs, empty elsewhere

# A row a variable: the module, whether it may be set; its value in the body
# of GET /early, in the log of that request (where what was read early stays,
# unless it is volatile), and in the log of a POST that is proxied.
my @rows = (
    # http_core: the request
    arg_a           => http_core => 1, 'one', 'one', 'p',
    args            => http_core => 1, 'a=one&b=', 'a=one&b=', 'a=p',
    query_string    => http_core => 0, 'a=one&b=', 'a=one&b=', 'a=p',
    is_args         => http_core => 0, '?', '?', '?',
    request         => http_core => 0, 'GET /%65arly?a=one&b= HTTP/1.1', 'GET /%65arly?a=one&b= HTTP/1.1', 'POST /late?a=p HTTP/1.1',
    request_method  => http_core => 0, 'GET', 'GET', 'POST',
    request_uri     => http_core => 0, '/%65arly?a=one&b=', '/%65arly?a=one&b=', '/late?a=p',
    uri             => http_core => 0, '/early', '/early', '/late',
    document_uri    => http_core => 0, '/early', '/early', '/late',
    server_protocol => http_core => 0, 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1',
    scheme          => http_core => 0, 'http', 'http', 'http',
    https           => http_core => 0, '', '', '',
    host            => http_core => 0, 'names.test', 'names.test', 'other.test',
    is_request_port => http_core => 0, ':', ':', '',
    request_port    => http_core => 0, '8080', '8080', '',
    server_name     => http_core => 0, 'names.test', 'names.test', 'names.test',
    content_length  => http_core => 0, $none, $none, '5',
    content_type    => http_core => 0, $none, $none, 'x/y',
    cookie_a        => http_core => 1, '1', '1', $none,
    http_cookie     => http_core => 0, 'a=1; b=2', 'a=1; b=2', $none,
    http_host       => http_core => 0, 'Names.Test:8080', 'Names.Test:8080', 'other.test',
    http_referer    => http_core => 0, 'http://ref.test/', 'http://ref.test/', $none,
    http_user_agent => http_core => 0, 'Mozilla/4.0 (compatible; MSIE 6.0)', 'Mozilla/4.0 (compatible; MSIE 6.0)', $none,
    http_via        => http_core => 0, 'v', 'v', $none,
    http_x_forwarded_for => http_core => 0, '9.9.9.9', '9.9.9.9', $none,
    http_x_one      => http_core => 1, 'x 1', 'x 1', $none,
    remote_user     => http_core => 0, 'user', 'user', $none,
    request_body    => http_core => 0, $none, $none, 'body!',
    request_body_file => http_core => 0, $none, $none, $none,
    request_id      => http_core => 0, $id, $id, $id,
    request_length  => http_core => 0, $num, $num, $num,
    request_time    => http_core => 0, $secs, $secs, $secs,
    document_root   => http_core => 0, "$dir/link", "$dir/link", "$dir/html",
    realpath_root   => http_core => 0, "$dir/html", "$dir/html", "$dir/html",
    request_filename => http_core => 0, "$dir/link/early", "$dir/link/early", "$dir/html/late",
    limit_rate      => http_core => 1, '0', '1024000', '0',
    # http_core: the connection
    remote_addr     => http_core => 0, '127.0.0.1', '127.0.0.1', '127.0.0.1',
    remote_port     => http_core => 0, $num, $num, $num,
    binary_remote_addr => http_core => 0, "\x7f\0\0\1", "\x7f\0\0\1", "\x7f\0\0\1",
    server_addr     => http_core => 0, '127.0.0.1', '127.0.0.1', '127.0.0.1',
    server_port     => http_core => 0, $port, $port, $port,
    connection      => http_core => 0, $num, $num, $num,
    connection_requests => http_core => 0, '1', '1', '2',
    connection_time => http_core => 0, $secs, $secs, $secs,
    pipe            => http_core => 0, '.', '.', '.',
    tcpinfo_rtt     => http_core => 0, $num, $num, $num,
    tcpinfo_rttvar  => http_core => 0, $num, $num, $num,
    tcpinfo_snd_cwnd => http_core => 0, $num, $num, $num,
    tcpinfo_rcv_space => http_core => 0, $num, $num, $num,
    proxy_protocol_addr => http_core => 0, $none, $none, $none,
    proxy_protocol_port => http_core => 0, $none, $none, $none,
    proxy_protocol_server_addr => http_core => 0, $none, $none, $none,
    proxy_protocol_server_port => http_core => 0, $none, $none, $none,
    proxy_protocol_tlv_alpn => http_core => 1, $none, $none, $none,
    # http_core: the response
    status          => http_core => 0, '200', '200', '200',
    body_bytes_sent => http_core => 0, '0', $num, '32',
    bytes_sent      => http_core => 0, '0', $num, $num,
    request_completion => http_core => 0, '', '', 'OK',
    sent_http_content_type => http_core => 0, $none, $none, 't/u',
    sent_http_content_length => http_core => 0, $none, $none, $none,
    sent_http_transfer_encoding => http_core => 0, $none, $none, 'chunked',
    # What was asked for early stays.
    sent_http_connection => http_core => 0, 'keep-alive', 'keep-alive', qr/keep-alive|close/,
    sent_http_keep_alive => http_core => 0, 'timeout=7', 'timeout=7', qr/timeout=7|\Q$none\E/,
    sent_http_location => http_core => 0, $none, $none, qr{http://[\w.]+:$port/there},
    sent_http_last_modified => http_core => 0, $none, $none, 'Mon, 28 Sep 1970 06:00:00 GMT',
    sent_http_cache_control => http_core => 0, $none, $none, 'no-store',
    sent_http_link  => http_core => 0, $none, $none, '</x>; rel=y',
    sent_http_x_added => http_core => 1, $none, $none, $none,
    sent_trailer_x_last => http_core => 1, $none, $none, 'last 200',
    # http_core: the process and the time
    msec            => http_core => 0, qr/1\d{9}\.\d{3}/, qr/1\d{9}\.\d{3}/, qr/1\d{9}\.\d{3}/,
    time_local      => http_core => 0, $clf, $clf, $clf,
    time_iso8601    => http_core => 0, $iso, $iso, $iso,
    hostname        => http_core => 0, qr/[^A-Z]+/, qr/[^A-Z]+/, qr/[^A-Z]+/,
    nginx_version   => http_core => 0, server_version(), server_version(), server_version(),
    pid             => http_core => 0, $num, $num, $num,
    # http_upstream
    upstream_addr   => http_upstream => 0, $none, $none, "127.0.0.1:$up",
    upstream_status => http_upstream => 0, $none, $none, '200',
    upstream_response_time => http_upstream => 0, $none, $none, $secs,
    upstream_header_time => http_upstream => 0, $none, $none, $secs,
    upstream_connect_time => http_upstream => 0, $none, $none, $secs,
    upstream_response_length => http_upstream => 0, $none, $none, $num,
    upstream_bytes_sent => http_upstream => 0, $none, $none, $num,
    upstream_bytes_received => http_upstream => 0, $none, $none, $num,
    upstream_cache_status => http_upstream => 0, $none, $none, $none,
    upstream_cache_etag => http_upstream => 0, $none, $none, $none,
    upstream_cache_last_modified => http_upstream => 0, $none, $none, $none,
    upstream_http_x_up => http_upstream => 1, $none, $none, 'up',
    upstream_cookie_u => http_upstream => 1, $none, $none, 'v',
    upstream_trailer_x_end => http_upstream => 1, $none, $none, qr/end|\Q$none\E/,
    # the others
    proxy_host      => http_proxy => 1, $none, $none, "127.0.0.1:$up",
    proxy_port      => http_proxy => 1, $none, $none, $up,
    fastcgi_script_name => http_fastcgi => 0, '/early', '/early', '/late',
    fastcgi_path_info => http_fastcgi => 0, '', '', '',
    proxy_add_x_forwarded_for => http_proxy => 0, '9.9.9.9, 127.0.0.1', '9.9.9.9, 127.0.0.1', '127.0.0.1',
    proxy_internal_body_length => http_proxy => 0, $none, $none, '5',
    proxy_internal_chunked => http_proxy => 0, $none, $none, $none,
    realip_remote_addr => http_realip => 0, '127.0.0.1', '127.0.0.1', '127.0.0.1',
    realip_remote_port => http_realip => 0, $num, $num, $num,
    invalid_referer => http_referer => 1, '1', '1', '',
    modern_browser  => http_browser => 1, '', '', '',
    ancient_browser => http_browser => 1, '1', '1', '1',
    msie            => http_browser => 1, '1', '1', '',
    gzip_ratio      => http_gzip => 0, $none, $none, $none,
    secure_link     => http_secure_link => 0, $none, $none, $none,
    secure_link_expires => http_secure_link => 0, $none, $none, $none,
    connections_active => http_stub_status => 0, $num, $num, $num,
    connections_reading => http_stub_status => 0, $num, $num, $num,
    connections_writing => http_stub_status => 0, $num, $num, $num,
    connections_waiting => http_stub_status => 0, $num, $num, $num,
    uid_got         => http_userid => 0, $none, $none, $none,
    uid_set         => http_userid => 0, $none, $none, $none,
    uid_reset       => http_userid => 1, '', '', '',
    limit_req_status => http_limit_req => 0, $none, $none, $none,
    limit_conn_status => http_limit_conn => 0, $none, $none, $none,
    slice_range     => http_slice => 0, $none, $none, $none,
    date_local      => http_ssi => 0, $ssi, $ssi, $ssi,
    date_gmt        => http_ssi => 0, $ssi, $ssi, $ssi,
    http2           => http_v2 => 0, '', '', '',
    grpc_internal_trailers => http_grpc => 0, $none, $none, $none,
    # without TLS: t/ssl.t and t/ssl_verify.t have their values
    (map { $_ => http_ssl => 1, $none, $none, $none } qw(
        ssl_alpn_protocol ssl_cipher ssl_ciphers ssl_client_cert
        ssl_client_escaped_cert ssl_client_fingerprint ssl_client_i_dn
        ssl_client_i_dn_legacy ssl_client_raw_cert ssl_client_s_dn
        ssl_client_s_dn_legacy ssl_client_serial ssl_client_v_end
        ssl_client_v_remain ssl_client_v_start ssl_client_verify ssl_curve
        ssl_curves ssl_early_data ssl_protocol ssl_server_name ssl_session_id
        ssl_session_reused ssl_client_sigalg ssl_ech_outer_server_name
        ssl_ech_status ssl_sigalg ssl_sigalgs
    )),
);
my @all;
push @all, { name => $_->[0], module => $_->[1], settable => $_->[2],
             early => $_->[3], logged => $_->[4], late => $_->[5] }
    for map { [ splice @rows, 0, 6 ] } 1 .. @rows / 6;

my %since = (is_request_port => '1.29.3', request_port => '1.29.3',
             proxy_protocol_tlv_alpn => '1.23.2', ssl_sigalg => '1.29.3',
             ssl_client_sigalg => '1.29.3', ssl_sigalgs => '1.31.2',
             ssl_ech_status => '1.29.4', ssl_ech_outer_server_name => '1.29.4');
my @here = grep { has_module($_->{module})
    && (!$since{$_->{name}} || version_at_least($since{$_->{name}})) } @all;
my %known = map { $_->{name} => $_ } @all;

# ---- the rows against the reference ----

my $reference = top_folder() . '/../shared/reference/variables.tsv';
SKIP: {
    skip 'no reference', 2 if !-e $reference;
    skip 'the modules of weir', 2 if is_oracle();
    my (@missing, @other);

    for my $line (split /\n/, $t->read($reference)) {
        my ($name, $module, $protocol, $prefix, $settable) = split /\t/, $line;
        next if $protocol ne 'http' || $settable eq '-' || !has_module($module)
            || $name =~ /^(?:1\.\.9|<)/
            || $name eq 'memcached_key'         # exists where set defines it
            || $module =~ /^http_(?:acme|brotli_filter)$/; # own modules
        my @mine = $prefix eq 'yes'
            ? grep { $_->{name} =~ /^\Q$name\E./ && $_->{settable} } @all
            : $known{$name} // ();
        push @missing, $name if !@mine;
        push @other, $name
            if @mine && $mine[0]{settable} != ($settable eq 'yes');
    }
    is "@missing", '', 'no row of the reference is missing';
    is "@other", '', 'what may be set is as the reference has it';
}

# ---- the server ----

# A parameter has less than 4096 bytes.
my %lines = (first => '', others => '');
$lines{$_->{module} =~ /^http_(?:ssl|upstream)$/ ? 'first' : 'others'} .= "$_->{name}=\[\$$_->{name}]\\n" for @here;
my $format = join "\n", map { "'$_->{name}=[\$$_->{name}]\\n'" } @here;
my $values = "set \$first \"$lines{first}\"; return 200 \"\${first}$lines{others}\";";

sub given { my ($module, $text) = @_; return has_module($module) ? $text : '' }

$t->mkdir('html');
$t->write('html/page', 'page');
symlink $t->path('html'), $t->path('link');
$t->run(<<"EOC");
%%HTTP%%
    default_type text/plain;
    keepalive_timeout 65s 7s;
    log_format plain escape=none '== \$request_uri \$uri\\n' $format;
    log_format dashes '== \$request_uri \$uri\\n' $format;
    access_log %%TESTDIR%%/plain.log plain;
    access_log %%TESTDIR%%/dashes.log dashes;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen unix:%%TESTDIR%%/sock;
        server_name names.test other.test;
        root %%TESTDIR%%/html;
        location /early {
            root %%TESTDIR%%/link;
            limit_rate 1000k;
            ${\ given(http_referer => 'valid_referers none a.test;') }
            add_header X-Added added;
            $values
        }
        location /late {
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:%%PORT_up%%;
            proxy_redirect http://there.test/ /;
            expires off;
            add_trailer X-Last "last \$status";
        }
        location /plain { $values }
        location /set { set \$args "q=2&a=set"; set \$limit_rate 10k; set \$cookie_a mine;
            set \$http_x_one mine; set \$sent_http_x_added mine;
            $values }
        location /fields { add_header X-Early "\$status|\$uri|\$sent_http_x_first|\$sent_http_content_type|\$sent_http_content_length|\$sent_http_last_modified|\$request_completion|\$body_bytes_sent";
            add_header X-First 1; alias %%TESTDIR%%/html/page; }
        location /rewritten { rewrite ^ /plain?b=2 last; }
        location /replaced { rewrite ^ /plain?b=2? last; }
        location /tried { try_files /nothing /plain?c=\$arg_a; }
        location /tried2 { try_files /nothing /plain; }
        location /named { try_files /nothing \@named; }
        location \@named { $values }
        location /failed { error_page 404 =202 /plain; }
        location /failed2 { error_page 404 \@named; }
        location /indexed/ { alias %%TESTDIR%%/html/; index page; add_header X-Uri "\$uri \$request_uri \$args \$request_filename"; }
        location /rated { limit_rate 1k; return 200 "\$limit_rate"; }
        location /asked { auth_request /inner; auth_request_set \$seen "\$uri|\$request_uri|\$args|\$request_method|\$request_length|\$request_completion|\$status|\$content_length|\$document_uri|\$host|\$request_filename";
            add_header X-Seen \$seen; try_files /page =404; }
        location /surrounded { add_before_body /inner; addition_types *; try_files /page =404; }
        location = /inner { log_subrequest on; return 200 "\$uri|\$request_uri|\$args|\$request_method|\$request_length|\$remote_addr|\$http_x_one|\$request_completion\\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_bare%%;
        location / { $values }
    }
    server {
        listen 127.0.0.1:%%PORT_any%% default_server;
        server_name *.star.test;
        location / { $values }
    }
    server {
        listen 127.0.0.1:%%PORT_proxied%% proxy_protocol;
        server_name proxied;
        location / { $values }
    }
    server {
        listen 127.0.0.1:%%PORT_real%% proxy_protocol;
        ${\ given(http_realip => 'set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;') }
        location / { $values }
    }
}
EOC

my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nContent-Type: t/u\r\nX-Up: up\r\n"
        . "Location: http://there.test/there\r\nLink: </x>; rel=y\r\n"
        . "Set-Cookie: u=v; path=/\r\nCache-Control: no-store\r\n"
        . "Last-Modified: Mon, 28 Sep 1970 06:00:00 GMT\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-End: end\r\n\r\n";
}, port => $up);

# The values of a body, or of the lines of a log
sub values_of { return { $_[0] =~ /^(\w+)=\[(.*?)\]$/msg } }

sub records {
    my ($log, $uri) = @_;
    my @records = map { s/\n\n.*//sr } split /^== /m, $t->read($log);

    return map { values_of($_) } grep { /^\Q$uri\E\n/ } @records;
}

# The one record of a request: its target and its URI
sub record {
    my ($log, $uri) = @_;

    wait_until(sub { (() = records($log, $uri)) > 0 });
    return (records($log, $uri))[0] // {};
}

sub is_value {
    my ($got, $wanted, $name) = @_;

    ref $wanted ? like $got, qr/^(?:$wanted)$/, $name : is $got, $wanted, $name;
}

# Compares all: what is not there shows as $empty.
sub compare {
    my ($got, $column, $empty, $name) = @_;

    for my $v (@here) {
        my $wanted = ref $column ? ($column->{$v->{name}} // $none)
                                 : $v->{$column};
        my $value = $got->{$v->{name}};
        if (!ref $wanted) {
            $wanted =~ s/\Q$none\E/$empty/;
        } elsif (defined $value && $value eq $empty) {
            $value = $none if $none =~ /^$wanted$/;
        }
        is_value($value, $wanted, "$name: $v->{name}");
    }
}

# ---- early, and in the log ----

my @fields = (host => 'Names.Test:8080', headers => [
    'User-Agent' => 'Mozilla/4.0 (compatible; MSIE 6.0)',
    Referer => 'http://ref.test/', Cookie => 'a=1; b=2', Via => 'v',
    'X-Forwarded-For' => '9.9.9.9', 'X-One' => 'x 1',
    Authorization => 'Basic dXNlcjpwYXNz' ]);
my $c = $t->connect;
my $r = $c->request('GET', '/%65arly?a=one&b=', @fields);
my $early = values_of($r->body);
is scalar(keys %$early), scalar @here, 'all are there';
compare($early, 'early', '', 'body');
is $early->{remote_port}, $c->local_port, '$remote_port';
my $log = record('plain.log', '/%65arly?a=one&b= /early');
compare($log, 'logged', '', 'log');
is $log->{body_bytes_sent}, length $r->body, '$body_bytes_sent';
is $log->{bytes_sent}, length $r->raw, '$bytes_sent';
$log = record('dashes.log', '/%65arly?a=one&b= /early');
$log->{binary_remote_addr} =~ s/\\x([0-9A-F]{2})/chr hex $1/ge;
compare($log, 'logged', '-', 'dashes');
is $log->{$_}, $early->{$_}, "stays: $_"
    for qw(request_id connection pid remote_port);

# ---- a body that is proxied ----

$r = $c->request('POST', '/late?a=p', host => 'other.test', body => 'body!',
                 headers => [ 'Content-Type' => 'x/y' ]);
is $r->status, 200, 'proxied';
$log = record('plain.log', '/late?a=p /late');
compare($log, 'late', '', 'late');
is $log->{bytes_sent}, length $r->raw, 'late: $bytes_sent';
cmp_ok $log->{request_length}, '>', 5, 'late: $request_length';
is $log->{connection}, $early->{connection}, 'late: the same connection';
isnt $log->{request_id}, $early->{request_id}, 'late: another request';
$log = record('dashes.log', '/late?a=p /late');
$log->{binary_remote_addr} =~ s/\\x([0-9A-F]{2})/chr hex $1/ge;
compare($log, 'late', '-', 'late, dashes');

# ---- nothing to tell ----

my %bare = (
    map({ $_ => '' } qw(server_name is_args is_request_port request_port https
        request_completion host invalid_referer modern_browser msie
        uid_reset fastcgi_path_info http2)),
    map({ $_ => $num } qw(remote_port request_length connection pid tcpinfo_rtt
        tcpinfo_rttvar tcpinfo_snd_cwnd tcpinfo_rcv_space realip_remote_port
        connections_active connections_reading connections_writing
        connections_waiting)),
    map({ $_ => '127.0.0.1' } qw(remote_addr server_addr realip_remote_addr
        proxy_add_x_forwarded_for)),
    map({ $_ => $known{$_}{early} } qw(binary_remote_addr connection_requests
        connection_time pipe request_time request_id scheme ancient_browser
        msec time_local time_iso8601 hostname nginx_version date_local
        date_gmt)),
    server_port => $t->port('bare'), limit_rate => '0', status => '200',
    body_bytes_sent => '0', bytes_sent => '0', request => 'GET / HTTP/1.0',
    request_method => 'GET', request_uri => '/', uri => '/',
    document_uri => '/', fastcgi_script_name => '/', server_protocol => 'HTTP/1.0',
    sent_http_connection => 'close',
    document_root => qr{.+/html}, realpath_root => qr{.*}s,
    request_filename => qr{.+/html/},
);
$t->expect_log(qr/realpath\(\)/);
$r = $t->raw("GET / HTTP/1.0\r\n\r\n", port => 'bare');
compare(values_of($r->body), \%bare, '', 'bare');
%bare = (%bare, body_bytes_sent => $num,
         bytes_sent => $num, binary_remote_addr => qr/\\x7F\\x00\\x00\\x01/,
         realpath_root => qr/.*/);
compare(record('dashes.log', '/ /'), \%bare, '-', 'bare log');

# What is no request
sub bad {
    my ($bytes, $request, $status) = @_;
    my $before = () = $t->read('dashes.log') =~ /^request=/mg;

    $t->raw($bytes, port => 'bare');
    wait_until(sub {
        (() = $t->read('dashes.log') =~ /^request=/mg) > $before });
    my $v = values_of((split /^== /m, $t->read('dashes.log'))[-1]);
    (my $name = $bytes) =~ s/[^ -~]+/ /g;
    is $v->{request}, $request, "bad: $name";
    is $v->{status}, $status, "bad: $name: status";
    return $v;
}
my $bad = bad("BAD\r\n\r\n", 'BAD', 400);
is "$bad->{request_method}|$bad->{uri}|$bad->{server_protocol}", '-|-|-',
    'bad: nothing else is known';
is $bad->{request_length}, 0, 'bad: $request_length';
bad("\x16\x03\x01\r\n", '\x16\x03\x01', 400);
bad("GET / HTTP/9.9\r\n\r\n", 'GET / HTTP/9.9', 505);
bad("GET /x HTTP/1.1\r\n\r\n", 'GET /x HTTP/1.1', 400);
bad("GET /x\r\n", 'GET /x', 200);

# ---- names and addresses ----

sub value {
    my ($uri, $names, @opt) = @_;
    my $v = values_of($t->get($uri, @opt)->body);

    return join '|', map { $v->{$_} // '?' } split ' ', $names;
}
my $names = 'host http_host server_name server_port';
is value('/plain', $names, host => 'OTHER.test.'),
    "other.test|OTHER.test.|names.test|$port", 'names: another of the server';
is value('/plain', $names, host => '[::1]:99'), "[::1]|[::1]:99|names.test|$port",
    'names: an address';
$r = values_of($t->raw("GET http://Abs.Test:81/plain HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")->body);
is "$r->{host}|$r->{http_host}|$r->{request_uri}", 'abs.test|x.test|/plain',
    'names: in the target';
is value('/', 'host server_name', port => 'any', host => 'a.star.test'),
    'a.star.test|*.star.test', 'names: a wildcard';
is value('/', 'host server_name', port => 'any', host => undef,
    version => '1.0'), '*.star.test|*.star.test', 'names: no Host';
is value('/plain', 'remote_addr remote_port server_addr server_port '
    . 'binary_remote_addr tcpinfo_rtt host', unix => 'sock', host => 'u'),
    "unix:||unix:$dir/sock||unix:||u", 'a unix socket';
my $tail = $t->get('/plain', unix => 'sock');
like $tail->body, qr/^connection=\[\d+\]$/m, 'a unix socket: $connection';

# ---- set ----

is value('/set?a=1', 'args query_string arg_a arg_q is_args request_uri limit_rate '
    . 'cookie_a http_x_one sent_http_x_added', headers => [ Cookie => 'a=1' ]),
    'q=2&a=set|q=2&a=set|set|?|?|/set?a=1|10240|mine|mine|mine', 'set';
is $t->get('/rated')->body, '0', 'limit_rate: not yet';

# ---- repeated fields ----

SKIP: {
    skip 'joined since 1.23.0', 4 if !version_at_least('1.23.0');
    is value('/plain', 'http_x_one http_via', headers => [ 'X-One' => 1,
        'X-One' => 2, Via => 'a', Via => 'b' ]), '1, 2|a, b', 'repeated';
    is value('/plain', 'http_x_forwarded_for proxy_add_x_forwarded_for',
        headers => [ 'X-Forwarded-For' => 'a', 'X-Forwarded-For' => 'b' ]),
        'a, b|a, b, 127.0.0.1', 'repeated: X-Forwarded-For';
    is value('/plain', 'http_x_one', headers => [ 'X-One' => '',
        'X-One' => 2 ]), ', 2', 'repeated: the first is empty';
    is value('/plain', 'http_x_one', headers => [ 'X-One' => 1,
        'X-One' => '' ]), '1, ', 'repeated: the last is empty';
}
is value('/plain', 'http_x_one', headers => [ 'x-ONE' => 1 ]), '1', 'case';
is value('/plain', 'http_cookie cookie_a', headers => [ Cookie => 'b=1',
    Cookie => 'a=2; c=3' ]), 'b=1; a=2; c=3|2', 'repeated: Cookie';
is value('/plain', 'http_x_one', headers => [ 'X-One' => '' ]), '', 'empty';

# ---- in fields ----

is $t->get('/fields')->header('X-Early'),
    '200|/fields||text/plain|4|'
    . $t->get('/fields')->header('Last-Modified') . '||0', 'in a field';

# ---- elsewhere ----

my $where = 'uri document_uri request_uri args arg_a status';
is value('/rewritten?a=1', $where),
    '/plain|/plain|/rewritten?a=1|b=2&a=1|1|200', 'rewritten';
is value('/replaced?a=1', $where), '/plain|/plain|/replaced?a=1|b=2||200',
    'rewritten, without the arguments';
is value('/tried?a=1', $where), '/plain|/plain|/tried?a=1|c=1||200',
    'try_files';
is value('/tried2?a=1', $where), '/plain|/plain|/tried2?a=1|||200',
    'try_files: no arguments';
is value('/named?a=1', $where), '/named|/named|/named?a=1|a=1|1|200', 'named';
is value('/failed?a=1', $where), '/plain|/plain|/failed?a=1|||202',
    'error_page';
is value('/failed2?a=1', $where), '/failed2|/failed2|/failed2?a=1|a=1|1|404',
    'error_page, named';
is $t->get('/indexed/?a=1')->header('X-Uri'),
    "/indexed/page /indexed/?a=1 a=1 $dir/html/page", 'an index';
SKIP: {
    skip 'no http_auth_request', 3 if !has_module('http_auth_request');
    is $t->request('POST', '/asked?a=1', body => 'abc', host => 'Other.test')
        ->status, 405, 'auth_request: POST';
    is $t->get('/asked?a=1', host => 'Other.test')->header('X-Seen'),
        "/inner|/asked?a=1||GET|0||200||/inner|other.test|$dir/html/inner",
        'auth_request_set';
    my $sub = record('dashes.log', '/asked?a=1 /inner');
    is join('|', map { $sub->{$_} } qw(uri args is_args request_length
        request_completion request_method status)),
        '/inner|-||0||POST|200', 'auth_request: the log';
}
SKIP: {
    skip 'no http_addition', 1 if !has_module('http_addition');
    is $t->get('/surrounded?a=1', headers => [ 'X-One' => 'x' ])->body,
        "/inner|/surrounded?a=1||GET|0|127.0.0.1|x|\npage", 'addition';
}

# ---- pipelined ----

$c = $t->connect;
$c->send(join '', map { "GET /plain?$_ HTTP/1.1\r\nHost: h\r\n\r\n" } 1 .. 3);
my @piped = map { values_of($c->read_response->body) } 1 .. 3;
is join('', map { $_->{pipe} } @piped), '.pp', '$pipe';
is join(' ', map { $_->{connection_requests} } @piped), '1 2 3',
    '$connection_requests';
is join(' ', map { $_->{bytes_sent} } @piped), '0 0 0', '$bytes_sent';

# ---- chunked ----

$t->request('POST', '/late?chunked', host => 'other.test',
            chunks => [ 'abc', 'defg' ]);
$log = record('dashes.log', '/late?chunked /late');
is "$log->{content_length}|$log->{request_body}", '7|abcdefg', 'chunked';
like $log->{request_length}, qr/^\d{2,3}$/, 'chunked: $request_length';
my $head = "POST /late?framed HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
$t->raw($head . "3\r\nabc\r\n0\r\n\r\n");
is record('dashes.log', '/late?framed /late')->{request_length},
    length($head) + 13, 'chunked: the framing counts';

# ---- the PROXY protocol ----

my $proxied = join ' ', map { "proxy_protocol_$_" }
    qw(addr port server_addr server_port);
my $who = 'remote_addr server_addr';

sub proxied {
    my ($header, $where, $names) = @_;
    my $v = values_of($t->raw(
        $header . "GET / HTTP/1.0\r\n\r\n", port => $where)->body);

    return join '|', map { $v->{$_} // '?' } split ' ', $names;
}

sub v2 {
    my ($command, $family, $body) = @_;
    return "\r\n\r\n\0\r\nQUIT\n" . pack('CCn', 0x20 | $command, $family,
        length $body) . $body;
}
sub tlv { my ($type, $text) = @_; return pack 'Cn/a', $type, $text }
my $four = pack 'C4C4nn', 1, 2, 3, 4, 5, 6, 7, 8, 1000, 2000;
my $six = pack 'n8n8nn', 0x2001, 0xdb8, (0) x 5, 1, 0x2001, 0xdb8, (0) x 5, 2,
    1000, 2000;

is proxied("PROXY TCP4 1.2.3.4 5.6.7.8 1000 2000\r\n", 'proxied', "$proxied $who"),
    '1.2.3.4|1000|5.6.7.8|2000|127.0.0.1|127.0.0.1', 'PROXY: version 1';
is proxied("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", 'proxied', $proxied),
    '2001:db8::1|1|2001:db8::2|2', 'PROXY: version 1, IPv6';
is proxied("PROXY UNKNOWN\r\n", 'proxied', "$proxied $who"),
    '||||127.0.0.1|127.0.0.1', 'PROXY: version 1, unknown';
is proxied(v2(1, 0x11, $four), 'proxied', "$proxied $who"),
    '1.2.3.4|1000|5.6.7.8|2000|127.0.0.1|127.0.0.1', 'PROXY: version 2';
is proxied(v2(1, 0x21, $six), 'proxied', $proxied),
    '2001:db8::1|1000|2001:db8::2|2000', 'PROXY: version 2, IPv6';
is proxied(v2(0, 0x11, $four), 'proxied', $proxied), '|||', 'PROXY: LOCAL';
is proxied(v2(2, 0x11, $four), 'proxied', $proxied), '|||',
    'PROXY: a command that nobody knows';
is proxied(v2(1, 0x00, ''), 'proxied', $proxied), '|||', 'PROXY: unspecified';
SKIP: {
    skip 'no http_realip', 1 if !has_module('http_realip');
    is proxied(v2(1, 0x11, $four), 'real', 'remote_addr remote_port '
        . 'realip_remote_addr proxy_protocol_addr server_addr'),
        '1.2.3.4|1000|127.0.0.1|1.2.3.4|127.0.0.1', 'PROXY: realip';
}
SKIP: {
    skip 'TLVs since 1.23.2', 9 if !version_at_least('1.23.2');
    my $ssl = pack('CN', 1, 0) . tlv(0x21, 'TLSv1.3') . tlv(0x22, 'cn')
        . tlv(0x23, 'cipher') . tlv(0x24, 'sig') . tlv(0x25, 'key');
    my $tlvs = tlv(1, 'h2') . tlv(2, 'name.test') . tlv(5, 'unique')
        . tlv(0x30, 'netns') . tlv(0xea, "\1vpce") . tlv(0x20, $ssl);
    my $other = Weir::Test->new;
    my @names = qw(alpn authority unique_id netns 0x01 0xea ssl_verify
        ssl_version ssl_cn ssl_cipher ssl_sig_alg ssl_key_alg 0x77 nothing);

    $other->run("%%HTTP%%\nserver { listen 127.0.0.1:%%PORT%% proxy_protocol; "
        . 'location / { return 200 "'
        . join('|', map { "\$proxy_protocol_tlv_$_" } @names) . '"; } } }');
    my $ask = sub {
        my ($header) = @_;
        my %v;
        @v{@names} = split /\|/, $other->raw($header
            . "GET / HTTP/1.0\r\n\r\n")->body, -1;
        return \%v;
    };
    my $v = $ask->(v2(1, 0x11, $four . $tlvs));
    is "$v->{alpn}|$v->{authority}|$v->{unique_id}|$v->{netns}",
        'h2|name.test|unique|netns', 'TLVs by name';
    is "$v->{'0x01'}|$v->{'0xea'}", "h2|\1vpce", 'TLVs by number';
    is join('|', map { $v->{"ssl_$_"} } qw(verify version cn cipher sig_alg
        key_alg)), '0|TLSv1.3|cn|cipher|sig|key', 'TLVs of TLS';
    is "$v->{'0x77'}|$v->{nothing}", '|', 'TLVs that are not there';
    is $ask->(v2(1, 0x21, $six . $tlvs))->{alpn}, 'h2', 'TLVs: IPv6';
    is $ask->(v2(1, 0x31, ("\0" x 216) . $tlvs))->{alpn}, '', 'TLVs: unix';
    is $ask->("PROXY UNKNOWN\r\n")->{alpn}, '', 'TLVs: version 1';
    is $ask->(v2(1, 0x11, $four . "\1\0\xffx"))->{alpn}, '', 'TLVs: cut off';
    is $ask->(v2(1, 0x11, $four . tlv(1, 'a') . tlv(1, 'b')))->{alpn}, 'a',
        'TLVs: the first counts';
}

# ---- what may be set ----

for my $v (@here) {
    my $tried = conf_test("events {}\nhttp { server { set \$$v->{name} x; } }\n");

    is $tried->{first} =~ /the duplicate "\Q$v->{name}\E" variable/ ? 0 : 1,
        $v->{settable}, "set \$$v->{name}";
}

done_testing;
