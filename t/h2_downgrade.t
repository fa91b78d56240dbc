# SPDX-License-Identifier: BSD-2-Clause
#
# From HTTP/2 to an upstream that speaks HTTP/1.1: nothing that would split a
# request, smuggle a length or name two hosts gets there.  Each case is a request
# by its raw fields; whatever reaches the upstream has to be exactly one request,
# with one Host, at most one length that is that of its body, and no fields that
# the client has made up out of others' values.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2 qw(frame);
use Weir::Test;

plan skip_all => 'nginx lets some of these through' if is_oracle();
need_module('http_v2');

my $t = Weir::Test->new;
# All that a connection brings, whatever it is.
$t->write('seen', '');
my $seen = $t->path('seen');
my $backend = Weir::Backend->tcp(sub {
    my ($c) = @_;
    my $all = '';

    while (sysread $c->socket, my $bytes, 65536) {
        $all .= $bytes;
        next if $all !~ /\r\n\r\n/;
        # A moment for what was smuggled behind it.
        my $more = '';
        vec($more, fileno $c->socket, 1) = 1;
        next if select $more, undef, undef, 0.02;
        last;
    }
    open my $out, '>>', $seen or die;
    syswrite $out, unpack('H*', $all) . "\n";
    $c->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    $c->close;
});
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
events {}
http {
    %%GLOBALS_HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        http2 on;
        http2_limits refused=100000 resets=100000;
        server_name a.test;
        location / { proxy_pass http://127.0.0.1:${\ $backend->port}; proxy_http_version 1.1; proxy_set_header Host \$http_host; }
        location /stream { proxy_pass http://127.0.0.1:${\ $backend->port}; proxy_http_version 1.1; proxy_request_buffering off; }
        location /host { proxy_pass http://127.0.0.1:${\ $backend->port}; proxy_set_header Host \$host; proxy_set_header X-Seen \$http_x; }
    }
}
EOC

my $smuggled = "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n";
my @breaks = ("\r\n", "\n", "\r", "\0", "\r\n\r\n", "\n\n", "\r\n $smuggled",
    "\n$smuggled", "\0\r\n", "\x0b\r\n");
my @cases;      # [name, fields, body, trailers]

sub head { my ($path, @more) = @_;
    return [':method', 'POST', ':scheme', 'http', ':path', $path,
        ':authority', 'a.test', @more] }

for my $path ('/', '/stream', '/host') {
    for my $b (@breaks) {
        my $shown = unpack 'H*', substr $b, 0, 6;
        push @cases, ["value $shown", head($path, x => "a${b}Smuggled: 1")],
            ["name $shown", head($path, "x${b}smuggled: 1" => 'a')],
            ["cookie $shown", head($path, cookie => "a=b${b}Smuggled: 1")],
            ["path $shown", head("$path?a=1${b}Smuggled: 1")],
            ["method $shown", [':method', "POST$b / HTTP/1.1", ':scheme', 'http',
                ':path', $path, ':authority', 'a.test']],
            ["authority $shown", [':method', 'POST', ':scheme', 'http', ':path',
                $path, ':authority', "a.test${b}Smuggled: 1"]],
            ["scheme $shown", [':method', 'POST', ':scheme', "http${b}Smuggled: 1",
                ':path', $path, ':authority', 'a.test']],
            ["trailer $shown", head($path), 'body', [x => "a${b}Smuggled: 1"]];
    }
    for my $te ('chunked', 'Chunked', 'identity', 'chunked, identity', "\tchunked",
        'xchunked', '')
    {
        push @cases, ["transfer-encoding $te", head($path,
            'transfer-encoding' => $te), "0\r\n\r\n$smuggled"],
            ["trailer te $te", head($path), 'body', ['transfer-encoding' => $te]],
            ["odd transfer encoding $te", head($path, 'transfer-encoding ' => $te),
                "0\r\n\r\n$smuggled"],
            ["transfer_encoding $te", head($path, transfer_encoding => $te),
                "0\r\n\r\n$smuggled"];
    }
    for my $n ('0', '1', '3', '5', '+4', '-1', '4 ', ' 4', '0x4', '4,4', '4, 4',
        '04', '4abc', '18446744073709551620', '')
    {
        push @cases, ["content-length $n", head($path, 'content-length' => $n),
            'body'];
    }
    push @cases,
        ['two lengths', head($path, 'content-length', 4, 'content-length', 4), 'body'],
        ['two other lengths', head($path, 'content-length', 4, 'content-length', 0), 'body'],
        ['content_length', head($path, content_length => 0), $smuggled],
        ['Content-Length in a trailer', head($path), 'body', ['content-length' => 0]],
        ['host in a trailer', head($path), 'body', [host => 'evil']],
        ['another host', head($path, host => 'evil')],
        ['two hosts', head($path, host => 'a.test', host => 'a.test')],
        ['host with another case', head($path, host => 'A.TEST')],
        ['no authority, two hosts', [':method', 'GET', ':scheme', 'http', ':path',
            $path, host => 'a.test', host => 'evil']],
        ['userinfo', [':method', 'GET', ':scheme', 'http', ':path', $path,
            ':authority', 'a.test@evil']],
        ['a path in the authority', [':method', 'GET', ':scheme', 'http', ':path',
            $path, ':authority', 'a.test/evil']],
        ['a space in the authority', [':method', 'GET', ':scheme', 'http', ':path',
            $path, ':authority', 'a.test evil']],
        ['an absolute path', head("http://evil$path")],
        ['a path with a space', head("$path HTTP/1.1")],
        ['a path without a slash', head('evil')],
        ['an authority as path', head('//evil/')],
        ['*', head('*')],
        ['a fragment', head("$path#?a")],
        ['connection', head($path, connection => 'x-a, host')],
        ['connection: close', head($path, connection => 'close')],
        ['keep-alive', head($path, 'keep-alive' => 1)],
        ['proxy-connection', head($path, 'proxy-connection' => 'close')],
        ['upgrade', head($path, upgrade => 'h2c', 'http2-settings' => 'AAA')],
        ['te', head($path, te => 'gzip')],
        ['te: trailers', head($path, te => 'trailers')],
        ['expect', head($path, expect => '100-continue'), 'body'],
        ['a pseudo header behind', head($path, x => 1, ':path', '/evil')],
        ['a pseudo header of HTTP/1', head($path, ':host' => 'evil')],
        ['chunks in a body', head($path), "5\r\nabcde\r\n0\r\n\r\n$smuggled"],
        ['a request in a body', head($path, 'content-length' => length $smuggled), $smuggled],
        ['an empty name', head($path, '' => 'x')],
        ['a colon', head($path, 'x:y' => 'z')],
        ['upper case', head($path, 'Host' => 'evil')],
        ['Content-Length', head($path, 'Content-Length' => 0), $smuggled],
        ['a blank before a name', head($path, ' host' => 'evil')],
        ['a tab in a name', head($path, "host\t" => 'evil')];
}
cmp_ok scalar @cases, '>=', 200, scalar(@cases) . ' cases';

# wrong($bytes): what is wrong with what the upstream got.
sub wrong {
    my ($bytes) = @_;
    my ($head, $body) = split /\r\n\r\n/, $bytes, 2;
    my ($line, @fields) = split /\r\n/, $head;
    my %n;

    return "request line \"$line\"" if $line !~ m{^[A-Z]+ /[!-~]* HTTP/1\.[01]$};
    return "target \"$line\"" if $line =~ /smuggled/i && $line !~ /%/;
    for (@fields) {
        return "field \"$_\"" if !/^([!-9;-~]+): ?([^\r\n\0]*)$/;
        $n{ lc $1 }++;
    }
    return 'Smuggled' if $n{smuggled};
    return ($n{host} // 0) . ' Host' if ($n{host} // 0) != 1;
    return 'two hosts' if $head =~ /^Host: .*evil/mi;
    return 'TE' if $n{te} || $n{'keep-alive'} || $n{'proxy-connection'} || $n{upgrade};
    return 'two lengths' if ($n{'content-length'} // 0) > 1
        || $n{'content-length'} && $n{'transfer-encoding'};
    if ($n{'transfer-encoding'}) {
        my $left = $body;
        while ($left =~ s/^([0-9a-f]+)\r\n//i) {
            my $size = hex $1;
            return 'chunks' if length $left < $size + 2;
            substr $left, 0, $size + 2, '';
            last if !$size;
        }
        return "behind the chunks \"$left\"" if length $left;
        return '';
    }
    my ($length) = $head =~ /^content-length: (\d+)\r?$/mi;
    return 'a body of ' . length($body) . ' bytes, not ' . ($length // 'none')
        if length $body != ($length // 0);
    return '';
}

my (@failed, $reached);
my $c;
for my $case (@cases) {
    my ($name, $fields, $body, $trailers) = @$case;
    my $before = () = $t->read('seen') =~ /\n/g;

    $c = Weir::H2->new(port => $t->port) if !$c || $c->eof || defined $c->goaway;
    my $id = $c->fields($fields, defined $body ? (body => $body) : (),
        $trailers ? (trailers => $trailers) : ());
    my $s = $c->wait($id);
    my @all = split /\n/, $t->read('seen');
    splice @all, 0, $before;
    push @failed, "$name: " . @all . ' requests' if @all > 1;
    for (@all) {
        my $error = wrong(pack 'H*', $_);
        $reached++;
        push @failed, "$name: $error" if $error ne '';
    }
    push @failed, "$name: no answer" if !defined $s->{status}
        && !defined $s->{reset} && !$c->eof;
}
is join("\n", @failed), '', 'nothing but single requests reaches the upstream';
cmp_ok $reached, '>', 10, "what is right does ($reached)";

done_testing;
