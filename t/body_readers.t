# SPDX-License-Identifier: BSD-2-Clause
#
# A request's body and all that may read it, in pairs: each reader gets the
# whole body or none of it, and no byte of it ever becomes a request.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::Test;

need_module(qw(http_mirror http_auth_request http_rewrite http_proxy));

my %before = (
    nothing => '',
    mirror => 'mirror /copy;',
    mirrors => 'mirror /copy; mirror /copy2;',
    bodiless => 'mirror /bare; mirror_request_body off;',
    auth => 'auth_request /auth;',
);
my %way = (
    whole => '',
    spilled => 'client_body_buffer_size 1k;',
    stream => 'proxy_request_buffering off;',
    ten => 'proxy_request_buffering off; proxy_http_version 1.0;',
);
# What follows, and what the upstream does for that.
my %after = (
    nothing => [ 'ok', '' ],
    post => [ 'ok', 'post_action /after;' ],
    named => [ 'fails', 'proxy_intercept_errors on; error_page 503 = @after;' ],
    streamed => [ 'fails',
        'proxy_intercept_errors on; error_page 503 = @stream;' ],
    page => [ 'fails', 'proxy_intercept_errors on; error_page 503 = /after;' ],
    next => [ 'fails', 'proxy_next_upstream http_503 non_idempotent;' ],
    accel => [ 'accel', '' ],
    accelnamed => [ 'accelnamed', '' ],
);

my $b = Weir::Backend->http(sub {
    my ($request) = @_;
    my $uri = $request->uri;
    my $more = $uri =~ m{^/accelnamed/} ? "X-Accel-Redirect: \@after\r\n"
        : $uri =~ m{^/accel/} ? "X-Accel-Redirect: /after\r\n" : '';
    my $status = $uri =~ m{^/fails/} ? '503 Sorry' : '200 OK';

    if (($request->header('Range') // '') =~ /bytes=(\d+)-/) {
        return "HTTP/1.1 206 Part\r\nContent-Length: 1024\r\n"
            . "Content-Range: bytes $1-" . ($1 + 1023) . "/3072\r\n\r\n"
            . 'x' x 1024;
    }
    return "HTTP/1.1 $status\r\n${more}Content-Length: 2\r\n\r\nok";
});
# Takes some of the body and goes.
my $dying = Weir::Backend->tcp(sub {
    my ($c) = @_;

    $c->read_until(qr/\r\n\r\n/);
    $c->read_until(qr/GET .smuggled/);
});

my ($up, $dead) = map { '127.0.0.1:' . $_->port } $b, $dying;
my $locations = '';
for my $before (keys %before) {
    for my $way (keys %way) {
        for my $after (keys %after) {
            my ($uri, $text) = @{ $after{$after} };
            my $group = $after eq 'next' ? 'both' : 'up';
            my $name = "/${before}_${way}_$after";

            $locations .= "location = $name { $before{$before} $way{$way} $text"
                . " proxy_pass http://$group/$uri$name; }\n";
        }
    }
}

my $slices = !has_module('http_slice') ? '' : <<'EOC';
        location /slices { slice 1k; proxy_set_header Range $slice_range;
                           proxy_method GET; proxy_request_buffering off;
                           proxy_pass http://up/slice; }
EOC

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    upstream up { server $up; keepalive 8; }
    upstream both { server $up max_fails=0; server $up max_fails=0; keepalive 8; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream second { server 127.0.0.1:%%PORT_nobody%% max_fails=0;
                      server $up max_fails=0; }
    log_format body "\$uri \$request_body";
    server {
        listen 127.0.0.1:%%PORT%%;
        $locations
        location = /copy { internal; proxy_pass http://up/copy; }
        location = /copy2 { internal; proxy_request_buffering off;
                            proxy_pass http://up/copy2; }
        location = /bare { internal; proxy_pass_request_body off;
                           proxy_set_header Content-Length "";
                           proxy_pass http://up/bare; }
        location = /auth { internal; proxy_pass_request_body off;
                           proxy_set_header Content-Length "";
                           proxy_pass http://up/auth; }
        location = /after { internal; proxy_pass http://up/after; }
        location \@after { rewrite ^ /after break; proxy_pass http://up; }
        location \@stream { rewrite ^ /after break; proxy_request_buffering off;
                            proxy_pass http://up; }

        location /dies { proxy_request_buffering off;
                         proxy_pass http://$dead; }
        location /dies/named { proxy_request_buffering off;
                         error_page 502 = \@after; proxy_pass http://$dead; }
        location /dies/streamed { proxy_request_buffering off;
                         error_page 502 = \@stream; proxy_pass http://$dead; }
        location /dies/page { proxy_request_buffering off;
                         error_page 502 = /after; proxy_pass http://$dead; }
        location /dies/post { proxy_request_buffering off;
                         post_action /after; proxy_pass http://$dead; }
        location /dies/static { proxy_request_buffering off;
                         error_page 502 = \@static; proxy_pass http://$dead; }
        location \@static { return 200 static; }

        location /large { client_max_body_size 4k; error_page 413 = \@any;
                          proxy_pass http://up/large; }
        location /large/stream { client_max_body_size 4k;
                          proxy_request_buffering off;
                          error_page 413 = \@any; proxy_pass http://up/large; }
        location \@any { client_max_body_size 0; rewrite ^ /after break;
                         proxy_pass http://up; }
        location /second { proxy_request_buffering off;
                           proxy_pass http://second/second; }
        location /logged { proxy_request_buffering off;
                           access_log %%TESTDIR%%/body.log body;
                           proxy_pass http://up/ok; }
        location /logged/mirror { mirror /copy; proxy_request_buffering off;
                           access_log %%TESTDIR%%/body.log body;
                           proxy_pass http://up/ok; }
        $slices
        location /none { proxy_pass_request_body off;
                         proxy_pass http://up/none; }
    }
}
EOC

my $smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
my $sum = md5_hex('');
my %body = (small => $smuggled x 3, large => $smuggled x 6000);

# Sends it; "slow": the server asks for the body first.
sub ask {
    my ($uri, $body, $chunked, $slow) = @_;
    my $c = $t->connect;
    my $expect = $slow ? "Expect: 100-continue\r\n" : '';
    my $framing = $chunked ? 'Transfer-Encoding: chunked'
        : 'Content-Length: ' . length $body;
    my $bytes = $chunked ? Weir::HTTP::chunked(unpack '(a5000)*', $body)
        : $body;

    $sum = md5_hex($body);
    $c->send("POST $uri HTTP/1.1\r\nHost: h\r\n$expect$framing\r\n\r\n"
             . ($slow ? '' : $bytes));
    if ($slow) {
        $c->read_until(qr/100 Continue\r\n\r\n/);
        $c->send($bytes);
    }
    return $c->read_response;
}

# What the upstream was asked: "method uri all|none|length".
sub asked {
    my ($n) = @_;

    my $end = time + 5;

    select undef, undef, undef, 0.003
        while scalar($b->requests) < $n && time < $end;
    my @r = sort map {
        my $got = length $_->body == 0 ? 'none'
            : md5_hex($_->body) eq $sum ? 'all' : length $_->body;
        my ($uri) = $_->uri =~ m{^/(\w*)};
        $_->method . " $uri $got" . ($_->complete ? '' : ' (cut)')
    } $b->requests;
    $b->forget;
    return join ', ', @r;
}

# What is to be asked for, and the status.
sub wanted {
    my ($before, $way, $after, $is_whole) = @_;
    my ($uri) = @{ $after{$after} };
    my @r = "POST $uri all";
    my $status = 200;

    push @r, 'POST copy all' if $before =~ /^mirror/;
    push @r, 'POST copy2 all' if $before eq 'mirrors';
    push @r, 'POST bare none' if $before eq 'bodiless';
    push @r, 'GET auth none' if $before eq 'auth';

    my $again = $is_whole ? 'all' : 'none';
    if ($after eq 'post') {
        push @r, "POST after $again";
    } elsif ($after =~ /^(page|accel)$/) {
        push @r, "GET after $again";
    } elsif ($after =~ /^(named|streamed|accelnamed)$/) {
        push @r, 'POST after all' if $is_whole;
        $status = $is_whole ? 200 : 502;
    } elsif ($after eq 'next') {
        push @r, 'POST fails all' if $is_whole;
        $status = 503;
    }
    return ($status, sort @r);
}

for my $before (sort keys %before) {
    for my $way (sort keys %way) {
        my (@got, @want);

        next if $before =~ /mirrors|bodiless|auth/ && $way =~ /spilled|ten/;
        for my $after (sort keys %after) {
            for my $case (qw(small slow large)) {
                for my $chunked (0, 1) {
                    my $is_whole = $way =~ /whole|spilled/
                        || $before =~ /^mirror/ || $case eq 'small'
                        || ($way eq 'ten' && $chunked);

                    # nginx says a length there and sends nothing, or has
                    # lost the file.
                    next if is_oracle() && ($after eq 'post' && $case eq 'large'
                        || !$is_whole && $after !~ /nothing|next/);
                    my ($status, @r) = wanted($before, $way, $after, $is_whole);
                    my $name = "$after, $case" . ($chunked ? ', chunks' : '');
                    my $a = ask("/${before}_${way}_$after",
                                $body{$case} // $body{small}, $chunked,
                                $case eq 'slow');
                    push @got, "$name: " . $a->status . ' ' . asked(scalar @r);
                    push @want, "$name: $status " . join ', ', @r;
                }
            }
        }
        is_deeply \@got, \@want, "$before, $way";
    }
}

# ---- variables, slices ------------------------------------------------------

for my $uri ('/logged', '/logged/mirror') {
    ask($uri, 'body');
    ok wait_until(sub { $t->read('body.log') =~ m{^$uri body$}m }),
        "$uri: \$request_body";
    asked($uri =~ /mirror/ ? 2 : 1);
}
# Nothing is lost with a peer that cannot be reached.
for my $chunked (0, 1) {
    for my $size (qw(small large)) {
        is_deeply [map { ask('/second', $body{$size}, $chunked)->status . ' '
                         . asked(1) } 1, 2], [('200 POST second all') x 2],
            "a peer that is not there: $size" . ($chunked ? ', chunks' : '');
    }
}
if (has_module('http_slice')) {
    for my $case (qw(small large)) {
        my $again = $case eq 'small' ? 'all' : 'none';

        next if is_oracle() && $case eq 'large';
        is ask('/slices', $body{$case})->body, 'x' x 3072,
            "slices of a request with a body: $case";
        is asked(3), join(', ', sort 'GET slice all',
                          ("GET slice $again") x 2), '... which have it, too';
    }
}

plan_rest() if !is_oracle();

# ---- what nginx gets wrong --------------------------------------------------

sub plan_rest {
    # The upstream goes when it has had some of the body.
    for my $chunked (0, 1) {
        my $name = $chunked ? ' (chunks)' : '';
        my $a = ask('/dies', $body{large}, $chunked);

        is $a->status . ' ' . asked(0), '502 ', "an upstream that dies$name";
        for my $after (qw(named streamed)) {
            $a = ask("/dies/$after", $body{large}, $chunked);
            is $a->status . ' ' . asked(0), '502 ',
                "... its body cannot be had again: $after$name";
        }
        $a = ask('/dies/page', $body{large}, $chunked);
        is $a->status . ' ' . asked(1), '200 GET after none',
            "... a page does without$name";
        $a = ask('/dies/post', $body{large}, $chunked);
        is $a->status . ' ' . asked(1), '502 POST after none',
            "... post_action does without$name";
        is ask('/dies/static', $body{large}, $chunked)->body, 'static',
            "... and so do others$name";
    }
    ok $t->wait_log(qr/\[error\] .* client request body was passed on as it came, and cannot be sent again, client: .* request: "POST \/dies\/named /),
        'the log';

    # What is announced is what comes.
    is ask('/none', $body{small})->status . ' ' . asked(1),
        '200 POST none none', 'no body, and no length of one';

    # Refused in the middle: what had come is no body.  The last of all, as the
    # upstream may tell later of what it had got.
    for my $uri ('/large', '/large/stream') {
        my $c = $t->connect;

        $c->send("POST $uri HTTP/1.1\r\nHost: h\r\n"
                 . "Transfer-Encoding: chunked\r\n\r\n");
        $c->send_pieces(Weir::HTTP::chunked(unpack '(a900)*', $smuggled x 200),
                        910, 0.001);
        is $c->read_response->status, 200, "$uri: a body that is too large";
        like asked(1), qr/^POST after none(, POST large \d+ \(cut\))?$/,
            '... counts as empty';
    }
}

done_testing;
