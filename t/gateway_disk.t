# SPDX-License-Identifier: BSD-2-Clause
#
# Temporary files on a small disk of their own, for each protocol that has them:
# a request's body that does not fit is refused, and a response that does not fit
# arrives whole, or is seen to be cut off.  Nothing is left, and there is room
# again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::FastCGI;
use Weir::Test;

my @protocols = grep { $_ eq 'proxy' || has_module("http_$_") }
    qw(proxy fastcgi uwsgi scgi);
my $t = Weir::Test->new;
my $disk = $t->small_disk('disk', '1m');
plan skip_all => 'only root can mount' if !defined $disk;

my $large = 4_000_000;
my $head = "Content-Type: text/plain\r\n";

# What follows the request's head, for a path.
sub answer_to {
    my ($path) = @_;

    return "${head}Content-Length: 5\r\n\r\nsmall" if $path !~ /large/;
    return $head . ($path =~ /open/ ? '' : "Content-Length: $large\r\n") . "\r\n"
        . 'x' x $large;
}

# What is not read of a body would reset the connection.
sub take_body {
    my ($c, $params) = @_;
    my ($n) = $params =~ /CONTENT_LENGTH(?:\0|..)(\d+)/s;

    1 while length $c->{in} < ($n // 0) && $c->fill(time + 20);
}

my %backend = (
    proxy => Weir::Backend->http(sub {
        my ($request) = @_;
        return "HTTP/1.0 200 OK\r\n" . answer_to($request->uri);
    }),
    fastcgi => Weir::FastCGI->new(sub {
        my ($request, $c) = @_;
        my $text = answer_to($request->{params}{URI});

        for (my $at = 0; $at < length $text; $at += 60_000) {
            $c->send(out_record(substr $text, $at, 60_000)) or return;
        }
        $c->send(end_record());
        return undef;
    }),
    scgi => Weir::Backend->tcp(sub {
        my ($c) = @_;
        my $start = $c->read_until(qr/^\d+:/) // return;
        my ($n) = $start =~ /(\d+)/;
        my $text = $c->read_until(qr/\A.{$n},/s) // return;

        take_body($c, $text);
        $c->send(answer_to($text =~ /\0URI\0([^\0]*)/ ? $1 : ''));
    }),
    uwsgi => Weir::Backend->tcp(sub {
        my ($c) = @_;
        my $start = $c->read_until(qr/\A.{4}/s) // return;
        my ($n) = unpack 'xv', $start;
        my $text = $c->read_until(qr/.{$n}/s) // return;

        take_body($c, $text);
        $c->send(answer_to($text =~ /URI..([\w\/]+)/s ? $1 : ''));
    }),
);

my $locations = '';
for my $p (@protocols) {
    my $to = '127.0.0.1:' . $backend{$p}->port;

    $locations .= "location /$p/ {\n"
        . ($p eq 'proxy' ? "proxy_pass http://$to;\n"
                         : "${p}_pass $to; ${p}_param URI \$uri;\n"
                             . "${p}_param CONTENT_LENGTH \$content_length;\n")
        . "${p}_temp_path $disk/$p; ${p}_buffers 4 4k; ${p}_buffer_size 4k;\n"
        . "${p}_busy_buffers_size 8k; ${p}_read_timeout 20s;\n}\n";
    mkdir "$disk/$p" or die "mkdir: $!\n";
    chmod 0777, "$disk/$p";
}
mkdir "$disk/body";
chmod 0777, "$disk/body";
$t->expect_log(qr/failed \(28: No space left on device\)|pwritev?\(\) .* has written only/);
$t->run(<<"EOC");
%%HTTP%%
    client_max_body_size 8m;
    server {
        client_body_temp_path $disk/body;
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        $locations
    }
}
EOC

sub used { return (split ' ', `df -k --output=used '$disk' | tail -1`)[0] }

for my $p (@protocols) {
    is $t->request('POST', "/$p/a", body => 'x' x 300_000)->body, 'small',
        "$p: a body on the disk";
    is $t->request('POST', "/$p/b", body => 'x' x 3_000_000)->status, 500,
        '... and one that is too large';
    wait_until(sub { used() < 100 }, 20);
    is $t->request('POST', "/$p/c", body => 'x' x 300_000)->body, 'small',
        '... leaves the room of others';
    for my $uri ("/$p/large", "/$p/open/large") {
        my $c = $t->connect;
        $c->send_request('GET', $uri);
        ok wait_until(sub {
            return used() > 900
                || $t->read('error.log') =~ /No space left.*"GET \Q$uri\E /;
        }, 20) || is_oracle(), "$uri: the disk fills up";
        my $r = $c->read_response;
        is $r->status, 200, '... the head is there';
        ok !$r->complete || length $r->body == $large,
            '... whole, or seen to be cut off' or diag length $r->body;
        $c->close;
        ok wait_until(sub { used() < 100 }, 20), '... and gives its room back';
    }
    is $t->get("/$p/d")->body, 'small', '... the next one is answered';
}

done_testing;
